"""What leaves a process: frames, the circuit codec, control-plane messages, and their limits."""
