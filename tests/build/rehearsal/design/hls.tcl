open_project project_dma_0
add_files @/top_dma_0.cpp -cflags "-std=c++14 -I@/"
set_top dma_0
open_solution sol1
set_part xc7z020clg400-1
config_interface -m_axi_addr64
create_clock -period 10.0 -name default
csynth_design
export_design -format ip_catalog
exit 0
