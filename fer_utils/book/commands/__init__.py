"""What `fer-book` can be asked for, one module per subject.

Each command imports what it works with when it is called, so that help and the live program start at once.
"""
