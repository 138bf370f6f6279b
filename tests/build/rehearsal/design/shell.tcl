create_project link @/link -part xc7z020clg400-1
set_property board_part www.digilentinc.com:pynq-z1:part0:1.0 [current_project]
create_bd_design "top"
create_bd_cell -type ip -vlnv [get_property VLNV [get_ipdefs "xilinx.com:ip:processing_system7:*"]] ps
apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config {apply_board_preset "1"} [get_bd_cells ps]
set_property -dict [list CONFIG.PCW_USE_S_AXI_HP0 {1}] [get_bd_cells ps]
create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset:5.0 reset_0
create_bd_cell -type ip -vlnv xilinx.com:ip:axi_interconnect:2.1 bus_0
create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect:1.0 memory_0
set_property -dict [list CONFIG.NUM_SI 1] [get_bd_cells memory_0]
set_property CONFIG.NUM_MI 2 [get_bd_cells bus_0]
set clock [get_bd_pins ps/FCLK_CLK0]
connect_bd_net $clock [get_bd_pins reset_0/slowest_sync_clk]
connect_bd_net [get_bd_pins ps/FCLK_RESET0_N] [get_bd_pins reset_0/ext_reset_in]
foreach pin {ps/S_AXI_HP0_ACLK ps/M_AXI_GP0_ACLK bus_0/ACLK bus_0/S00_ACLK bus_0/M*_ACLK memory_0/aclk} {
    connect_bd_net $clock [get_bd_pins $pin]
}
set reset [get_bd_pins reset_0/peripheral_aresetn]
foreach pin {bus_0/ARESETN bus_0/S00_ARESETN bus_0/M*_ARESETN memory_0/aresetn} {
    connect_bd_net $reset [get_bd_pins $pin]
}
connect_bd_intf_net [get_bd_intf_pins ps/M_AXI_GP0] [get_bd_intf_pins bus_0/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins memory_0/M00_AXI] [get_bd_intf_pins ps/S_AXI_HP0]
set_property ip_repo_paths [concat [get_property ip_repo_paths [current_project]] [list @/ip]] [current_project]
update_ip_catalog -rebuild -scan_changes
create_bd_cell -type ip -vlnv us:finn:accel:1.0 accel_0
connect_bd_net $clock [get_bd_pins accel_0/ap_clk]
connect_bd_net $reset [get_bd_pins accel_0/ap_rst_n]
connect_bd_intf_net [get_bd_intf_pins accel_0/m_axi_gmem0] [get_bd_intf_pins memory_0/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins accel_0/s_axi_control_0] [get_bd_intf_pins bus_0/M00_AXI]
connect_bd_intf_net [get_bd_intf_pins accel_0/s_axilite_0] [get_bd_intf_pins bus_0/M01_AXI]
assign_bd_address [get_bd_addr_segs accel_0/s_axi_control_0/Reg*] -offset 0x40000000 -range 4096
assign_bd_address [get_bd_addr_segs accel_0/s_axilite_0/Reg*] -offset 0x40001000 -range 4096
make_bd_intf_pins_external [get_bd_intf_pins accel_0/m_axis_0]
save_bd_design
assign_bd_address
validate_bd_design
set_property SYNTH_CHECKPOINT_MODE "Hierarchical" [get_files top.bd]
make_wrapper -files [get_files top.bd] -import -fileset sources_1 -top
set_property top top_wrapper [get_filesets sources_1]
launch_runs -jobs 2 -to_step write_bitstream impl_1
wait_on_run [get_runs impl_1]
open_run impl_1
report_utilization -hierarchical -hierarchical_depth 4 -file @/report.xml -format xml
close_project
