"""What happens when these machine-learning pipelines share this machine?"""

__version__ = "0.1.0.dev0"
