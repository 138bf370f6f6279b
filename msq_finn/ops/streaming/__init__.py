"""RTL for ops that FINN has in HLS only on Zynq, so that networks build without Vitis HLS.

``SpecializeLayers`` picks them by name; ``preferred_impl_style="hls"`` on a node still selects HLS.
Those of several pixels, and serial thresholds, are made of FINN's once a network is folded.
"""

from msq_finn.finn_compat import is_main, is_upstream
from msq_finn.ops.streaming.add_streams import AddStreams_rtl
from msq_finn.ops.streaming.channel_split import StreamingSplit_rtl
from msq_finn.ops.streaming.concat import StreamingConcat_rtl
from msq_finn.ops.streaming.duplicate_streams import DuplicateStreams_rtl
from msq_finn.ops.streaming.elementwise_add import ElementwiseAddInt_rtl
from msq_finn.ops.streaming.global_acc_pool import GlobalAccPool_rtl
from msq_finn.ops.streaming.label_select import LabelSelect_rtl
from msq_finn.ops.streaming.lookup import StreamingTable_rtl
from msq_finn.ops.streaming.padded_windows import ConvolutionInputGeneratorPadded_rtl
from msq_finn.ops.streaming.pixel_padding import FMPadding_Pixel_rtl
from msq_finn.ops.streaming.pixel_pool import PoolPixels_rtl
from msq_finn.ops.streaming.pixel_windows import ConvolutionInputGeneratorPixels_rtl
from msq_finn.ops.streaming.pool import Pool_rtl
from msq_finn.ops.streaming.reverse import ReverseSteps_rtl
from msq_finn.ops.streaming.thresholding_serial import ThresholdingSerial_rtl
from msq_finn.ops.streaming.upsample import UpsampleNearestNeighbour_rtl
from msq_finn.ops.streaming.vector_converter import StreamingDataWidthConverterVector_rtl

#: The ops' classes; their names are what FINN's registry calls them.
STREAMING_OPS = (
    Pool_rtl,
    PoolPixels_rtl,
    ConvolutionInputGeneratorPixels_rtl,
    ConvolutionInputGeneratorPadded_rtl,
    GlobalAccPool_rtl,
    DuplicateStreams_rtl,
    LabelSelect_rtl,
    FMPadding_Pixel_rtl,
    StreamingDataWidthConverterVector_rtl,
    StreamingTable_rtl,
    ReverseSteps_rtl,
    ThresholdingSerial_rtl,
    # Upstream describes the sizes of maps by other attributes.
    *(() if is_upstream() else (UpsampleNearestNeighbour_rtl,)),
    # Upstream's main adds by another op, and concatenates and splits without folding.
    *(
        (AddStreams_rtl,)
        if is_main()
        else (StreamingConcat_rtl, StreamingSplit_rtl, ElementwiseAddInt_rtl)
    ),
)
