`default_nettype none

/// Gives the steps of every frame from the last to the first. A step is Folds words, which stay in
/// their order.
///
/// A frame leaves when all of it is there. Each of its words makes room for a word of the next
/// frame, so that frames lie in the memory from the first step to the last and from the last to the
/// first in turn, and follow one another without a pause.
module stream_reverse #(
  parameter int unsigned Width = 8,
  parameter int unsigned Steps = 4,
  parameter int unsigned Folds = 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic [Width-1:0]  in_data_i,
  input  logic              in_valid_i,
  output logic              in_ready_o,

  output logic [Width-1:0]  out_data_o,
  output logic              out_valid_o,
  input  logic              out_ready_i
);

  if (Steps == 0 || Folds == 0) begin : gen_check_size
    $fatal(1, "Steps = %0d and Folds = %0d: must be at least 1", Steps, Folds);
  end

  localparam int unsigned Words = Steps * Folds;
  localparam int unsigned AddressBits = Words > 1 ? $clog2(Words) : 1;
  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;

  typedef struct packed {
    logic                   backwards;  // from the last step of the memory on
    logic [AddressBits-1:0] address;
    logic [FoldBits-1:0]    fold;
  } place_t;

  function automatic logic ends_step(logic [FoldBits-1:0] fold);
    return fold == FoldBits'(Folds - 1);
  endfunction

  function automatic logic ends_frame(place_t place);
    return ends_step(place.fold)
           && place.address == AddressBits'(place.backwards ? Folds - 1 : Words - 1);
  endfunction

  // Behind a frame the other direction begins.
  function automatic place_t next(place_t place);
    next.backwards = place.backwards ^ ends_frame(place);
    next.fold      = ends_step(place.fold) ? '0 : place.fold + 1'b1;
    next.address   = place.address + 1'b1;
    if (ends_frame(place)) begin
      next.address = place.backwards ? '0 : AddressBits'(Words - Folds);
    end else if (ends_step(place.fold) && place.backwards) begin
      next.address = place.address - AddressBits'(2 * Folds - 1);
    end
  endfunction

  logic [Width-1:0] memory [Words];
  place_t           write_q, read_q;
  logic             stored_q;  // the frame to be read is complete
  logic             writes, reads;

  // A frame is read in the order in which the next one is written.
  assign reads      = stored_q && (!out_valid_o || out_ready_i);
  assign in_ready_o = !stored_q || reads || write_q != read_q;
  assign writes     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q  <= '0;
      read_q   <= '{backwards: 1'b1, address: AddressBits'(Words - Folds), fold: '0};
      stored_q <= 1'b0;
    end else begin
      if (writes) write_q <= next(write_q);
      if (reads) read_q <= next(read_q);
      if (writes && ends_frame(write_q)) stored_q <= 1'b1;
      else if (reads && ends_frame(read_q)) stored_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_o <= 1'b0;
    else if (!out_valid_o || out_ready_i) out_valid_o <= reads;
  end

  always_ff @(posedge clk_i) begin
    if (writes) memory[write_q.address] <= in_data_i;
    if (reads) out_data_o <= memory[read_q.address];
  end

endmodule

`default_nettype wire
