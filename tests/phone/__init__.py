"""Tests with real telephones: Debian's baresip, kamailio and sipp, on a network of their own."""
