module core #(parameter int unsigned WIDTH = 8) (
  input logic clk, input logic [WIDTH-1:0] d, input logic v,
  output logic [WIDTH-1:0] q, output logic w
);
  localparam string CONTENTS = "@/memory.dat";
  localparam logic [39:0] KEY = 40'h12_3456_789A;
  always_ff @(posedge clk) begin
    q <= d ^ WIDTH'(KEY);
    w <= v;
  end
endmodule
