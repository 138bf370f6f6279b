create_project stitch @/stitch -part xc7z020clg400-1
set_msg_config -id {[BD 41-1753]} -suppress
set_property ip_repo_paths [list @/project_dma_0/sol1/impl/ip] [current_project]
update_ip_catalog
create_bd_design "accel"
create_bd_cell -type ip -vlnv xilinx.com:hls:dma_0:1.0 dma_0
add_files -norecurse @/first.v
add_files -norecurse @/core.sv
create_bd_cell -type module -reference first first_0
create_bd_cell -type hier second_0
create_bd_pin -dir I -type clk /second_0/ap_clk
create_bd_pin -dir I -type rst /second_0/ap_rst_n
create_bd_intf_pin -mode Slave -vlnv xilinx.com:interface:axis_rtl:1.0 /second_0/in0_V
create_bd_intf_pin -mode Master -vlnv xilinx.com:interface:axis_rtl:1.0 /second_0/out0_V
create_bd_intf_pin -mode Slave -vlnv xilinx.com:interface:aximm_rtl:1.0 /second_0/s_axilite
add_files -norecurse @/second.v
create_bd_cell -type hier -reference second /second_0/second_0
connect_bd_net [get_bd_pins second_0/ap_clk] [get_bd_pins second_0/second_0/ap_clk]
connect_bd_net [get_bd_pins second_0/ap_rst_n] [get_bd_pins second_0/second_0/ap_rst_n]
connect_bd_intf_net [get_bd_intf_pins second_0/in0_V] [get_bd_intf_pins second_0/second_0/in0_V]
connect_bd_intf_net [get_bd_intf_pins second_0/out0_V] [get_bd_intf_pins second_0/second_0/out0_V]
connect_bd_intf_net [get_bd_intf_pins second_0/s_axilite] [get_bd_intf_pins second_0/second_0/s_axilite]
make_bd_pins_external [get_bd_pins dma_0/ap_clk]
set_property name ap_clk [get_bd_ports ap_clk_0]
make_bd_pins_external [get_bd_pins dma_0/ap_rst_n]
set_property name ap_rst_n [get_bd_ports ap_rst_n_0]
foreach cell {first_0 second_0} {
    connect_bd_net [get_bd_ports ap_clk] [get_bd_pins $cell/ap_clk]
    connect_bd_net [get_bd_ports ap_rst_n] [get_bd_pins $cell/ap_rst_n]
}
connect_bd_intf_net [get_bd_intf_pins dma_0/out0_V] [get_bd_intf_pins first_0/in0_V]
connect_bd_intf_net [get_bd_intf_pins first_0/out0_V] [get_bd_intf_pins second_0/in0_V]
make_bd_intf_pins_external [get_bd_intf_pins dma_0/m_axi_gmem]
set_property name m_axi_gmem0 [get_bd_intf_ports m_axi_gmem_0]
assign_bd_address
set_property offset 0 [get_bd_addr_segs {dma_0/Data_m_axi_gmem/SEG_m_axi_gmem0_Reg}]
set_property range 4G [get_bd_addr_segs {dma_0/Data_m_axi_gmem/SEG_m_axi_gmem0_Reg}]
make_bd_intf_pins_external [get_bd_intf_pins dma_0/s_axi_control]
make_bd_intf_pins_external [get_bd_intf_pins second_0/s_axilite]
make_bd_intf_pins_external [get_bd_intf_pins second_0/out0_V]
set_property name m_axis_0 [get_bd_intf_ports out0_V_0]
set_property CONFIG.FREQ_HZ 100000000 [get_bd_ports /ap_clk]
validate_bd_design
save_bd_design
make_wrapper -files [get_files @/stitch/stitch.srcs/sources_1/bd/accel/accel.bd] -top
add_files -norecurse @/stitch/stitch.srcs/sources_1/bd/accel/hdl/accel_wrapper.v
set_property top accel_wrapper [current_fileset]
ipx::package_project -root_dir @/ip -vendor us -library finn -taxonomy /UserIP -module accel -import_files
set_property core_revision 2 [ipx::find_open_core us:finn:accel:1.0]
set core [ipx::current_core]
foreach port [get_bd_intf_ports -filter {CONFIG.PROTOCOL==AXI4LITE}] {
    set name [get_property NAME $port]
    set block [ipx::add_address_block Reg0 [ipx::add_memory_map $name $core]]
    set_property range 4096 $block
    set_property slave_memory_map_ref $name [ipx::get_bus_interfaces $name -of $core]
}
ipx::update_checksums $core
ipx::save_core $core
