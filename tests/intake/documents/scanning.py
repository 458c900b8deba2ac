"""Reading the codes on a picture, as a gate's scanner does."""

import zxingcpp
from PIL import Image


def codes_on(picture: Image.Image) -> list[str]:
    """Return the texts of the QR codes."""
    return [found.text for found in found_on(picture)]


def found_on(picture: Image.Image) -> list[zxingcpp.Barcode]:
    """Return the QR codes: parts of them look like other barcodes by chance."""
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    return list(zxingcpp.read_barcodes(picture, formats=formats))
