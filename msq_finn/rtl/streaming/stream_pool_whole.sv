`default_nettype none

/// Reduces windows that come whole: per element the largest value, or the sum shifted right.
///
/// A word has Windows windows of Pixels pixels of Channels elements; what leaves has a pixel for
/// each window. Pixels are reduced in pairs, and pairs of these, with a register behind every pair;
/// all of these move when the output can.
module stream_pool_whole #(
  parameter int unsigned Windows = 1,
  parameter int unsigned Pixels = 4,
  parameter int unsigned Channels = 1,
  parameter int unsigned InBits = 4,
  parameter bit Signed = 0,
  parameter bit Sum = 0,            // 0: the largest value, 1: the sum >> Shift
  parameter int unsigned Shift = 0,
  parameter int unsigned OutBits = 4
) (
  input  logic                                                  clk_i,
  input  logic                                                  rst_ni,

  input  logic [Windows-1:0][Pixels-1:0][Channels-1:0][InBits-1:0] in_data_i,
  input  logic                                                  in_valid_i,
  output logic                                                  in_ready_o,

  output logic [Windows-1:0][Channels-1:0][OutBits-1:0]         out_data_o,
  output logic                                                  out_valid_o,
  input  logic                                                  out_ready_i
);

  if (Windows == 0 || Pixels == 0 || Channels == 0) begin : gen_check_size
    $fatal(1, "Windows = %0d, Pixels = %0d and Channels = %0d: must be at least 1",
           Windows, Pixels, Channels);
  end
  if (!Sum && (Shift != 0 || OutBits != InBits)) begin : gen_check_largest
    $fatal(1, "Sum = 0: Shift = %0d must be 0 and OutBits = %0d be InBits = %0d",
           Shift, OutBits, InBits);
  end

  // A window of one pixel is registered, too.
  localparam int unsigned Levels = Pixels > 1 ? $clog2(Pixels) : 1;
  localparam int unsigned AccBits = Sum ? InBits + $clog2(Pixels) : InBits;

  function automatic int unsigned left(int unsigned level);
    return (Pixels + 2 ** level - 1) >> level;
  endfunction

  logic              move;
  logic [Levels-1:0] valid_q;

  assign move        = !out_valid_o || out_ready_i;
  assign in_ready_o  = move;
  assign out_valid_o = valid_q[Levels-1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (move) valid_q <= Levels'({valid_q, in_valid_i});
  end

  for (genvar w = 0; w < Windows; w++) begin : gen_window
    for (genvar c = 0; c < Channels; c++) begin : gen_channel
      for (genvar l = 0; l <= Levels; l++) begin : gen_level
        logic [left(l)-1:0][AccBits-1:0] values;

        for (genvar p = 0; p < left(l); p++) begin : gen_pixel
          if (l == 0) begin : gen_in
            logic [InBits-1:0] value;

            assign value     = in_data_i[w][p][c];
            assign values[p] = Signed ? AccBits'(signed'(value)) : AccBits'(value);
          end else if (2 * p + 1 == left(l - 1)) begin : gen_alone
            always_ff @(posedge clk_i) begin
              if (move) values[p] <= gen_level[l-1].values[2*p];
            end
          end else begin : gen_pair
            logic [AccBits-1:0] first, second;
            logic               larger;

            assign first  = gen_level[l-1].values[2*p];
            assign second = gen_level[l-1].values[2*p+1];
            assign larger = Signed ? signed'(second) > signed'(first) : second > first;

            always_ff @(posedge clk_i) begin
              if (move) values[p] <= Sum ? first + second : larger ? second : first;
            end
          end
        end
      end

      if (Sum) begin : gen_sum
        assign out_data_o[w][c] = Signed ?
            OutBits'(signed'(gen_level[Levels].values[0]) >>> Shift) :
            OutBits'(gen_level[Levels].values[0] >> Shift);
      end else begin : gen_largest
        assign out_data_o[w][c] = gen_level[Levels].values[0];
      end
    end
  end

endmodule

`default_nettype wire
