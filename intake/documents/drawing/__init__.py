"""Drawing documents: PDF pages, QR codes and passes, from facts that were read before."""
