"""What makes the intermediate form smaller and shallower; `pipeline` has the passes in their order.

Privacy: `private_if`, `private_while` and `private_index` make selects and scans of what a secret decides.
Size: `inline`, `fold`, `cse`, `dead`. Depth: `balance`, `bounds`, `fuse`, and `vectorise`, which makes array operations
of loops with `batch`, `batch_branch`, `batch_loop` and `product_tree`. What they share: `facts`, `make`.
"""
