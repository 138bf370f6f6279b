`default_nettype none

/// Which turn the words that leave a pipeline are of, where a turn is Words of them.
///
/// A turn's tag is put in when it begins, and comes out when its words do.
module turn_tags #(
  parameter int unsigned Width = 1,
  parameter int unsigned Depth = 4,  // turns that may be under way
  parameter int unsigned Words = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             begins_i,
  input  logic [Width-1:0] tag_i,
  output logic             room_o,

  input  logic             next_i,  // a word leaves
  output logic [Width-1:0] tag_o,
  output logic             last_o   // it is its turn's last
);

  localparam int unsigned PlaceBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned WordBits = Words > 1 ? $clog2(Words) : 1;
  localparam int unsigned CountBits = $clog2(Depth + 1);

  function automatic logic [PlaceBits-1:0] next(logic [PlaceBits-1:0] place);
    return place == PlaceBits'(Depth - 1) ? '0 : place + 1'b1;
  endfunction

  logic [Width-1:0]     tags [Depth];
  logic [PlaceBits-1:0] write_q, read_q;
  logic [WordBits-1:0]  word_q;
  logic [CountBits-1:0] count_q;

  assign room_o = count_q != CountBits'(Depth);
  assign tag_o  = tags[read_q];
  assign last_o = word_q == WordBits'(Words - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      word_q  <= '0;
      count_q <= '0;
    end else begin
      if (begins_i) write_q <= next(write_q);
      if (next_i) word_q <= last_o ? '0 : word_q + 1'b1;
      if (next_i && last_o) read_q <= next(read_q);
      count_q <= count_q + CountBits'(begins_i) - CountBits'(next_i && last_o);
    end
  end

  always_ff @(posedge clk_i) begin
    if (begins_i) tags[write_q] <= tag_i;
  end

endmodule

`default_nettype wire
