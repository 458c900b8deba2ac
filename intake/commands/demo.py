def demo():
    "x"
