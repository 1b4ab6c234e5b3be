"""The two small networks: one reads level lines of a zone, one finds them."""

import torch
from torch import Tensor, nn

CLASSES = 39
MAPS = 4


def _layer(
    taken: int, given: int, kernel: int | tuple[int, int], **options: object
) -> nn.Sequential:
    padding = options.pop("padding", kernel // 2 if isinstance(kernel, int) else 0)
    return nn.Sequential(
        nn.Conv2d(taken, given, kernel, padding=padding, bias=False, **options),
        nn.BatchNorm2d(given),
        nn.ReLU(inplace=True),
    )


class LineReader(nn.Module):
    """N x 1 x 40 x W (-1 to 1) to N x W/4 x 39; it sees about three characters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _layer(1, 16, 5, stride=2),
            _layer(16, 28, 3),
            _layer(28, 48, 3, stride=2),
            _layer(48, 64, 3, stride=(2, 1)),
            _layer(64, 112, (5, 3), padding=(0, 1)),
            nn.Dropout2d(0.1),
            _layer(112, 112, (1, 5), padding=(0, 2)),
            nn.Conv2d(112, CLASSES, 1),
        )

    def forward(self, lines: Tensor) -> Tensor:
        """Return logits, N x steps x classes."""
        return self.layers(lines)[:, :, 0].transpose(1, 2)


class LineFinder(nn.Module):
    """N x 1 x H x W (-1 to 1) to N x 4 x H/4 x W/4.

    The maps: whether the middle of a line of a zone is there, the direction in which it
    is read (x, y), and the logarithm of its pitch in pixels of the input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.to_half = _layer(1, 10, 5, stride=2)
        self.to_quarter = nn.Sequential(_layer(10, 24, 3, stride=2), _layer(24, 24, 3))
        self.to_eighth = nn.Sequential(_layer(24, 40, 3, stride=2), _layer(40, 40, 3))
        wide = {"padding": 2, "dilation": 2}
        self.to_sixteenth = nn.Sequential(
            _layer(40, 64, 3, stride=2),
            _layer(64, 64, 3, **wide),
            _layer(64, 64, 3, padding=4, dilation=4),
            _layer(64, 64, 3, **wide),
        )
        self.up_eighth = _layer(64 + 40, 40, 1)
        self.up_quarter = _layer(40 + 24, 24, 3)
        self.maps = nn.Conv2d(24, MAPS, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the maps, the first as logits."""
        quarter = self.to_quarter(self.to_half(picture))
        eighth = self.to_eighth(quarter)
        far = _doubled(self.to_sixteenth(eighth))
        near = _doubled(self.up_eighth(torch.cat([far, eighth], 1)))
        return self.maps(self.up_quarter(torch.cat([near, quarter], 1)))


def _doubled(maps: Tensor) -> Tensor:
    return nn.functional.interpolate(maps, scale_factor=2.0, mode="nearest")
