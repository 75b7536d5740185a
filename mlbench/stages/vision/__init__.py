"""Vision stages: real photographs, EfficientNet-Lite0 with its ImageNet weights."""
