"""What a real GPU and its driver do: the numbers that no stand-in can give."""
