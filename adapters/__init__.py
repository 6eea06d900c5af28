"""What codes: the `Codec` contract, bitstreams, reference and neural codecs."""
