"""A citizen app without a screen: real keys, every call of the mobile API.

The demo walks the whole path with it where there is no camera; the tests use it to
come in by the same door as a phone.
"""

from camdigikey.phone.app import Phone, Problem
from camdigikey.phone.keys import PhoneKeys

__all__ = ["Phone", "PhoneKeys", "Problem"]
