"""Twelve float networks for 28x28 digits, as people write them: none knows of quantization."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    """Biases, no normalisation, pools before activations: PyTorch's first example."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d(0.2)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, 0.2, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class VGG(nn.Module):
    """Stages from a list of numbers, an adaptive pool and a classifier with dropout."""

    def __init__(self, stages=(16, "M", 32, "M", 64, 64, "M")):
        super().__init__()
        layers, channels = [], 1
        for width in stages:
            if width == "M":
                layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
                continue
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1)]
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Sequential(
            nn.Linear(channels, 64), nn.ReLU(True), nn.Dropout(p=0.2), nn.Linear(64, 10)
        )

    def forward(self, x):
        x = self.features(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class BasicBlock(nn.Module):
    """As in torchvision: one ReLU module for both activations, and ``+=``."""

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """torchvision's, with three stages of one block."""

    def __init__(self, widths=(8, 16, 32)):
        super().__init__()
        self.inplanes = widths[0]
        self.conv1 = nn.Conv2d(1, widths[0], 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._make_layer(widths[0], 1)
        self.layer2 = self._make_layer(widths[1], 2)
        self.layer3 = self._make_layer(widths[2], 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(widths[2], 10)

    def _make_layer(self, planes, stride):
        downsample = None
        if stride != 1 or self.inplanes != planes:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )
        block = BasicBlock(self.inplanes, planes, stride, downsample)
        self.inplanes = planes
        return nn.Sequential(block)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class PreActBlock(nn.Module):
    """Normalisation and activation in front of the convolutions, as functions."""

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        return torch.add(out, shortcut)


class PreActResNet(nn.Module):
    """Pre-activation blocks, and a functional average pool over what is left."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False)
        self.blocks = nn.Sequential(PreActBlock(16, 16), PreActBlock(16, 32, 2))
        self.bn = nn.BatchNorm2d(32)
        self.linear = nn.Linear(32, 10)

    def forward(self, x):
        out = F.relu(self.bn(self.blocks(self.stem(x))))
        out = F.avg_pool2d(out, 7)
        out = out.view(out.size(0), -1)
        return self.linear(out)


def conv_dw(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, 1, 1, 0, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class MobileNetV1(nn.Module):
    """Depthwise and pointwise convolutions."""

    def __init__(self):
        super().__init__()
        stem = [nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        self.model = nn.Sequential(
            nn.Sequential(*stem), conv_dw(16, 32, 1), conv_dw(32, 64, 2), conv_dw(64, 64, 1)
        )
        self.pool = nn.AvgPool2d(7)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(self.model(x))
        x = x.reshape(x.shape[0], -1)
        return self.fc(x)


class InvertedResidual(nn.Module):
    """A linear bottleneck, as in torchvision."""

    def __init__(self, inp, oup, stride, expand_ratio):
        super().__init__()
        hidden = inp * expand_ratio
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(
            nn.Conv2d(inp, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, oup, 1, bias=False), nn.BatchNorm2d(oup),
        )  # fmt: skip

    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV2(nn.Module):
    """Inverted residuals, ReLU6, and a mean over the map."""

    def __init__(self):
        super().__init__()
        stem = [nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(inplace=True)]
        self.features = nn.Sequential(
            nn.Sequential(*stem),
            InvertedResidual(16, 16, 1, 2),
            InvertedResidual(16, 24, 2, 3),
            InvertedResidual(24, 24, 1, 3),
            nn.Sequential(nn.Conv2d(24, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU6()),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(64, 10))

    def forward(self, x):
        x = self.features(x)
        x = x.mean([2, 3])
        return self.classifier(x)


class SignalNet(nn.Module):
    """One-dimensional convolutions over the image's columns; its lines are channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(28, 32, 3, padding=1)
        self.bn1 = nn.BatchNorm1d(32)
        self.conv2 = nn.Conv1d(32, 64, 3, padding=1)
        self.bn2 = nn.BatchNorm1d(64)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.bn3 = nn.BatchNorm1d(64)
        self.pool = nn.MaxPool1d(2)
        self.fc = nn.Linear(64 * 7, 10)

    def forward(self, x):
        x = x.squeeze(1)
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.bn2(self.conv2(x)))
        x = torch.relu(self.bn3(self.conv3(x)))
        return self.fc(x.flatten(start_dim=1))


class MLP(nn.Module):
    """Fully connected layers, some with normalisation, some with dropout."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, 128)
        self.bn1 = nn.BatchNorm1d(128)
        self.fc2 = nn.Linear(128, 64)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(64, 10)

    def forward(self, x):
        x = x.view(-1, 28 * 28)
        x = self.fc1(x)
        x = self.bn1(x).relu()
        x = self.drop(F.relu(self.fc2(x)))
        return self.last(x)


class AllConv(nn.Module):
    """Strided convolutions in place of pools, no normalisation, an average at the end."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 24, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(48, 48, 3, padding=1)
        self.conv4 = nn.Conv2d(48, 10, 1)
        self.act = nn.ReLU()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = self.act(conv(x))
        x = F.adaptive_avg_pool2d(self.conv4(x), 1)
        return x.squeeze(-1).squeeze(-1)


class Fire(nn.Module):
    """A squeezing layer, and two whose outputs are concatenated."""

    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Sequential(
            nn.Conv2d(inputs, squeeze, 1), nn.BatchNorm2d(squeeze), nn.ReLU(inplace=True)
        )
        self.expand_1x1 = nn.Sequential(
            nn.Conv2d(squeeze, expand, 1), nn.BatchNorm2d(expand), nn.ReLU(inplace=True)
        )
        self.expand_3x3 = nn.Sequential(
            nn.Conv2d(squeeze, expand, 3, padding=1), nn.BatchNorm2d(expand), nn.ReLU(inplace=True)
        )

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat([self.expand_1x1(x), self.expand_3x3(x)], 1)


class SqueezeNet(nn.Module):
    """Fire modules between pools, and a convolution in front of the classifier."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=2, stride=2),
            Fire(16, 8, 16),
            nn.MaxPool2d(kernel_size=2, stride=2),
            Fire(32, 16, 32),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.1), nn.Conv2d(64, 32, kernel_size=1), nn.ReLU(inplace=True)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = self.pool(self.classifier(self.features(x)))
        return self.fc(x.view(x.size(0), -1))


class ConvSiLU(nn.Module):
    """A convolution as YOLO's are."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn, self.act = nn.BatchNorm2d(outputs), nn.SiLU(inplace=True)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class C2f(nn.Module):
    """YOLOv8's block: channels in two halves, of which one goes through a bottleneck."""

    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.cv1, self.cv2 = ConvSiLU(inputs, outputs), ConvSiLU(3 * half, outputs)
        self.m = nn.Sequential(ConvSiLU(half, half, 3), ConvSiLU(half, half, 3))

    def forward(self, x):
        y = list(self.cv1(x).chunk(2, 1))
        y.append(self.m(y[-1]))
        return self.cv2(torch.cat(y, 1))


class CSPNet(nn.Module):
    """A backbone of C2f blocks, with SiLU throughout."""

    def __init__(self):
        super().__init__()
        self.stem = ConvSiLU(1, 16, 3, 2)
        self.stages = nn.Sequential(C2f(16, 32), ConvSiLU(32, 32, 3, 2), C2f(32, 64))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stages(self.stem(x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class UNet(nn.Module):
    """Down and up again beside a shortcut, leaky throughout; its maps are averaged."""

    def __init__(self):
        super().__init__()
        self.down1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.down2, self.bn2 = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.up, self.bn3 = nn.ConvTranspose2d(32, 16, 2, stride=2), nn.BatchNorm2d(16)
        self.join, self.bn4 = nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.last = nn.Linear(32, 10)

    def forward(self, x):
        x = F.leaky_relu(self.bn1(self.down1(x)), 0.1)
        x = F.max_pool2d(x, 2)
        y = F.leaky_relu(self.bn2(self.down2(F.max_pool2d(x, 2))), 0.1)
        y = F.leaky_relu(self.bn3(self.up(y)), 0.1)
        y = F.leaky_relu(self.bn4(self.join(torch.cat((x, y), dim=1))), 0.1)
        return self.last(y.mean((2, 3)))


NETWORKS = {
    "lenet": LeNet,
    "vgg": VGG,
    "resnet": ResNet,
    "preact_resnet": PreActResNet,
    "mobilenet_v1": MobileNetV1,
    "mobilenet_v2": MobileNetV2,
    "conv1d": SignalNet,
    "mlp": MLP,
    "all_conv": AllConv,
    "squeezenet": SqueezeNet,
    "csp": CSPNet,
    "unet": UNet,
}
