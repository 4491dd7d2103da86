"""What it means: rules over readings and pictures. Pure; no I/O, no clock."""
