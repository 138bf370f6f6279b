"""row_tree for any number of rows, of one place or of many; accumulator and delays come with it."""

import harness
import numpy as np

WIDTH = 14


def tables(rows: int, rng: np.random.Generator, uniform: bool) -> tuple[np.ndarray, np.ndarray]:
    """First column and end of each row."""
    if uniform:
        return np.zeros(rows, int), np.full(rows, 6)
    lo = rng.integers(0, 7, size=rows)
    return lo, np.minimum(WIDTH, lo + rng.integers(1, 8, size=rows))


def packed(values: np.ndarray) -> str:
    return "{" + ", ".join(f"16'd{v}" for v in values[::-1]) + "}"


def test_any_number_of_rows_sums_up():
    rng = np.random.default_rng(0)
    trees = [(rows, *tables(rows, rng, rows % 2 == 0)) for rows in [*range(1, 14), 17, 22, 31]]
    total = max(rows for rows, _, _ in trees)
    body, depths = [], 5
    for i, (rows, lo, hi) in enumerate(trees):
        masks = "\n".join(
            f"  assign rows{i}[{r}] = in0[{WIDTH * r} +: {WIDTH}] & {WIDTH}'({2**b - 2**a});"
            for r, (a, b) in enumerate(zip(lo, hi, strict=True))
        )
        body.append(f"""
  logic [{rows - 1}:0][{WIDTH - 1}:0] rows{i};
  logic [{WIDTH - 1}:0] s{i}, m{i};
{masks}
  row_tree #(.Rows({rows}), .Width({WIDTH}), .Lo({packed(lo)}), .Hi({packed(hi)}),
    .Fabric(msq_pkg::fabric_e'({i % 3}))) u_tree{i} (
    .clk_i, .en_i(en), .rows_i(rows{i}), .s_o(s{i}), .m_o(m{i}));
  delay_line #(.Width({WIDTH}), .Cycles({depths} - msq_pkg::tree_depth({rows}))) u_delay{i} (
    .clk_i, .en_i(en), .data_i({WIDTH}'(s{i} + m{i})), .data_o(out[{WIDTH * i} +: {WIDTH}]));""")
    wrapper = harness.wrap_function(WIDTH * total, WIDTH * len(trees), depths, "\n".join(body))

    values = rng.integers(0, 2**WIDTH, size=(3000, total))
    values[::3] = rng.choice([0, 2**WIDTH - 1], size=values[::3].shape)
    values[0] = 2**WIDTH - 1
    result = harness.run(
        harness.build(wrapper),
        harness.pack(values, WIDTH),
        harness.pack(np.zeros((1, 1)), 1),
        len(values),
        stalls=(0.2, 0.0, 0.2),
    )
    sums = harness.unpack(result.words, WIDTH, len(trees))
    for i, (rows, lo, hi) in enumerate(trees):
        expected = (values[:, :rows] & (2**hi - 2**lo)).sum(axis=1) % 2**WIDTH
        np.testing.assert_array_equal(sums[:, i], expected, err_msg=f"{rows} rows")
