"""What machine this is: processors, memory, GPUs, software, permissions; and what is amiss."""
