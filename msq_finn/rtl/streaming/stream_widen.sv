`default_nettype none

/// Repacks vectors of Length elements from words of In elements into wider ones of Out elements,
/// for any numbers. What follows a vector in its last input word is dropped; what follows it in its
/// last output word is zero. Every vector begins a word.
///
/// An output word leaves in the cycle in which the input word enters that completes it, so that
/// there can be an input word in every cycle. Where a vector's last input word completes two output
/// words, the second leaves beside the next vector's first input word. Input words are kept where
/// they will be in the output word.
module stream_widen #(
  parameter int unsigned Bits = 4,
  parameter int unsigned In = 2,
  parameter int unsigned Out = 4,
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

  // Places in an output word that input words begin at, and of those that complete an output word,
  // in the order in which they are met.
  localparam int unsigned Places  = OutUnits < InWords ? OutUnits : InWords;
  localparam int unsigned Fillers = InUnits < OutWords ? InUnits : OutWords;

  localparam int unsigned PlaceBits  = Places > 1 ? $clog2(Places) : 1;
  localparam int unsigned FillerBits = Fillers > 1 ? $clog2(Fillers) : 1;
  localparam int unsigned CountBits  = InWords > 1 ? $clog2(InWords) : 1;

  // Whether the vector's last input word completes two output words, and its place in the last:
  // behind it, if all of that has been kept.
  localparam bit FillsTwo           = (InWords - 1) * InUnits < (OutWords - 1) * OutUnits;
  localparam int unsigned LastPlace = FillsTwo ? OutUnits
                                    : (InWords - 1) * InUnits - (OutWords - 1) * OutUnits;

  function automatic int unsigned place_of(int unsigned index);
    return index * InUnits % OutUnits;
  endfunction

  function automatic bit [Places-1:0] filling();
    for (int unsigned i = 0; i < Places; i++) filling[i] = place_of(i) + InUnits >= OutUnits;
  endfunction

  function automatic int unsigned filler_of(int unsigned index);
    if (index == OutWords - 1) return LastPlace;
    return ((index + 1) * OutUnits - 1) / InUnits * InUnits - index * OutUnits;
  endfunction

  // Unit of the input word that goes to a unit of an output word, this one or the next.
  function automatic int unsigned source_of(int unsigned index, int unsigned unit);
    return (unit + OutUnits - place_of(index)) % OutUnits;
  endfunction

  localparam bit [Places-1:0] Fills = filling();

  // Whether the last output word is completed at another place than its like.
  localparam bit HasOwnPlace = filler_of((OutWords - 1) % Fillers) != LastPlace;

  if (Bits == 0 || In == 0 || Length == 0) begin : gen_check_size
    $fatal(1, "Bits = %0d, In = %0d and Length = %0d: must be at least 1", Bits, In, Length);
  end
  if (In >= Out) begin : gen_check_widens
    $fatal(1, "In = %0d: must be less than Out = %0d", In, Out);
  end
  if (Unit == 0 || In % Unit != 0 || Out % Unit != 0) begin : gen_check_unit
    $fatal(1, "Unit = %0d: must divide In = %0d and Out = %0d", Unit, In, Out);
  end

  logic [InUnits-1:0][Unit*Bits-1:0]                given;
  logic [OutUnits-1:0][Unit*Bits-1:0]               ending;
  logic [Fillers-1:0][OutUnits-1:0][Unit*Bits-1:0]  choices;
  logic [Out-1:0][Bits-1:0]                         chosen;
  logic                                             is_last, is_left, last, fills;
  logic                                             takes, leaves;
  logic [PlaceBits-1:0]                             place;
  logic [FillerBits-1:0]                            filler;
  logic [CountBits-1:0]                             count;

  // What completes an output word is not kept: the top units are left out of hardware.
  // verilator lint_off UNUSEDSIGNAL
  logic [OutUnits-1:0][Unit*Bits-1:0]               held;
  // verilator lint_on UNUSEDSIGNAL

  assign given = in_data_i;

  for (genvar q = 0; q < OutUnits; q++) begin : gen_unit
    logic [Places-1:0]    writes;
    logic [Unit*Bits-1:0] value;

    for (genvar i = 0; i < Places; i++) begin : gen_writes
      assign writes[i] = source_of(i, q) < InUnits && place == PlaceBits'(i);
    end

    if (InUnits == 1) begin : gen_one
      assign value = given[0];
    end else begin : gen_several
      always_comb begin
        value = '0;
        for (int unsigned i = 0; i < Places; i++) begin
          if (writes[i]) value |= given[source_of(i, q) % InUnits];
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (takes && |writes) held[q] <= value;
    end

    for (genvar i = 0; i < Fillers; i++) begin : gen_filler
      localparam int unsigned Place = filler_of(i);
      if (q < Place) begin : gen_held
        assign choices[i][q] = held[q];
      end else begin : gen_given
        assign choices[i][q] = q - Place < InUnits ? given[(q-Place)%InUnits] : '0;
      end
    end

    if (q < LastPlace) begin : gen_last_held
      assign ending[q] = held[q];
    end else begin : gen_last_given
      assign ending[q] = q - LastPlace < InUnits ? given[(q-LastPlace)%InUnits] : '0;
    end
  end

  assign chosen = HasOwnPlace && last ? ending : choices[filler];
  for (genvar i = 0; i < Out; i++) begin : gen_element
    assign out_data_o[i] = i >= Rest && last ? '0 : chosen[i];
  end

  assign is_last = count == CountBits'(InWords - 1);
  assign last    = FillsTwo ? is_left : is_last;
  assign fills   = is_last || Fills[place];

  // A last output word that is left over leaves before anything takes its place.
  assign out_valid_o = is_left || (in_valid_i && fills);
  assign in_ready_o  = out_ready_i || !(is_left || fills);
  assign takes       = in_valid_i && in_ready_o;
  assign leaves      = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      place   <= '0;
      filler  <= '0;
      count   <= '0;
      is_left <= 1'b0;
    end else begin
      if (takes) begin
        count <= is_last ? '0 : count + 1'b1;
        place <= is_last || place == PlaceBits'(Places - 1) ? '0 : place + 1'b1;
      end
      if (leaves) begin
        filler  <= last || filler == FillerBits'(Fillers - 1) ? '0 : filler + 1'b1;
        is_left <= FillsTwo && is_last;
      end
    end
  end

endmodule

`default_nettype wire
