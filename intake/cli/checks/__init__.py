"""The checks of `willcall doctor`."""
