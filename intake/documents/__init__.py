"""Orders and tickets as documents: PDF, QR codes and passes, by links that are signed and expire."""
