`default_nettype none

/// Repacks vectors of Length elements from words of In elements into narrower ones of Out elements,
/// for any numbers. What follows a vector in its last input word is dropped; what follows it in its
/// last output word is zero. Every vector begins a word.
///
/// An output word that begins in one input word and ends in the next leaves in the cycle in which
/// the next enters, so that there can be an output word in every cycle. Data come through a
/// multiplexer over the places in an input word that output words begin at; where a vector's last
/// input word is used up so, the next vector's first output word is taken from the input, too.
module stream_narrow #(
  parameter int unsigned Bits = 4,
  parameter int unsigned In = 4,
  parameter int unsigned Out = 2,
  parameter int unsigned Length = 4,

  // A common divisor of In and Out; the larger, the cheaper.
  parameter int unsigned Unit = 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic [In-1:0][Bits-1:0]   in_data_i,
  input  logic                      in_valid_i,
  output logic                      in_ready_o,

  output logic [Out-1:0][Bits-1:0]  out_data_o,
  output logic                      out_valid_o,
  input  logic                      out_ready_i
);

  localparam int unsigned InUnits  = In / Unit;
  localparam int unsigned OutUnits = Out / Unit;

  // Words of a vector, and its elements in the last output word.
  localparam int unsigned InWords  = (Length + In - 1) / In;
  localparam int unsigned OutWords = (Length + Out - 1) / Out;
  localparam int unsigned Rest     = Length - (OutWords - 1) * Out;

  // Places in an input word that output words begin at, in the order in which they are met.
  localparam int unsigned Places = InUnits < OutWords ? InUnits : OutWords;

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1;
  localparam int unsigned CountBits = OutWords > 1 ? $clog2(OutWords) : 1;

  function automatic int unsigned place_of(int unsigned index);
    return index * OutUnits % InUnits;
  endfunction

  function automatic bit [Places-1:0] reaching(int unsigned unit);
    for (int unsigned i = 0; i < Places; i++) reaching[i] = place_of(i) + OutUnits >= unit;
  endfunction

  // Whether an output word is the last to begin in an input word, and whether it ends in the next.
  localparam bit [Places-1:0] Ends    = reaching(InUnits);
  localparam bit [Places-1:0] Crosses = reaching(InUnits + 1);
  localparam bit LastCrosses          = (OutWords - 1) * Out / In != InWords - 1;

  if (Bits == 0 || Out == 0 || Length == 0) begin : gen_check_size
    $fatal(1, "Bits = %0d, Out = %0d and Length = %0d: must be at least 1", Bits, Out, Length);
  end
  if (In < Out) begin : gen_check_narrows
    $fatal(1, "In = %0d: must be at least Out = %0d", In, Out);
  end
  if (Unit == 0 || In % Unit != 0 || Out % Unit != 0) begin : gen_check_unit
    $fatal(1, "Unit = %0d: must divide In = %0d and Out = %0d", Unit, In, Out);
  end

  logic [InUnits-1:0][Unit*Bits-1:0]               held;
  logic [2*InUnits-1:0][Unit*Bits-1:0]             both;
  logic [Places-1:0][OutUnits-1:0][Unit*Bits-1:0]  choices;
  logic [Out-1:0][Bits-1:0]                        chosen;
  logic                                            is_held, last, crosses, ends, leaves, moves;
  logic [PlaceBits-1:0]                            place;
  logic [CountBits-1:0]                            count;

  assign both = {in_data_i, held};
  for (genvar i = 0; i < Places; i++) begin : gen_place
    assign choices[i] = both[place_of(i)+:OutUnits];
  end
  assign chosen = LastCrosses && !is_held ? in_data_i[Out-1:0] : choices[place];
  for (genvar i = 0; i < Out; i++) begin : gen_element
    assign out_data_o[i] = i >= Rest && last ? '0 : chosen[i];
  end

  assign last    = count == CountBits'(OutWords - 1);
  assign crosses = last ? LastCrosses : Crosses[place];
  assign ends    = last || Ends[place];

  // Nothing is held at the start of a vector only.
  assign out_valid_o = is_held ? !crosses || in_valid_i : LastCrosses && in_valid_i;
  assign in_ready_o  = !is_held || (out_ready_i && ends);
  assign leaves      = out_valid_o && out_ready_i;
  assign moves       = !is_held || (leaves && ends);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      is_held <= 1'b0;
      place   <= '0;
      count   <= '0;
    end else begin
      // Nothing is left of an input word that the last output word of a vector ends in.
      if (moves) is_held <= in_valid_i && !(is_held && last && LastCrosses);
      if (leaves) begin
        count <= last ? '0 : count + 1'b1;
        place <= last || place == PlaceBits'(Places - 1) ? '0 : place + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (moves) held <= in_data_i;
  end

endmodule

`default_nettype wire
