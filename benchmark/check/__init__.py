"""The conformance kit: does a codec do what its adapter promises?"""
