"""Networks that make pictures: a frozen config beside each, no knowledge of discriminators."""
