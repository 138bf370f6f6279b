`default_nettype none

/// Gathers the Depth largest of the keys that pass between start_i and done_i, and hands them out.
///
/// Keys are unsigned and differ from each other; 0 means "none". On done_i, the last key included,
/// the list moves to a second set of registers, from which pop_i takes the largest, so that
/// gathering goes on at once.
module top_k_list #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 1
) (
  input  logic             clk_i,

  input  logic [Width-1:0] key_i,
  input  logic             push_i,
  input  logic             start_i,  // this key is the first
  input  logic             done_i,    // this key is the last

  output logic [Width-1:0] head_o,
  input  logic             pop_i
);

  logic [Depth-1:0][Width-1:0] list_q, list_d, kept, sorted_q;
  logic [Depth-1:0]            behind;  // entries that the key goes before

  assign kept = start_i ? '0 : list_q;

  for (genvar j = 0; j < Depth; j++) begin : gen_entry
    assign behind[j] = key_i > kept[j];

    if (j == 0) begin : gen_first
      assign list_d[j] = behind[j] ? key_i : kept[j];
    end else begin : gen_next
      assign list_d[j] = behind[j-1] ? kept[j-1] : behind[j] ? key_i : kept[j];
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i) list_q <= list_d;
  end

  always_ff @(posedge clk_i) begin
    if (push_i && done_i) sorted_q <= list_d;
    else if (pop_i) sorted_q <= sorted_q >> Width;
  end

  assign head_o = sorted_q[0];

endmodule

`default_nettype wire
