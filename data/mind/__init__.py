"""The converter of the Microsoft News Dataset."""
