"""The telephone: lines to a PBX, and the calls on them."""
