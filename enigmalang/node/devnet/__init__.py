"""`enig devnet`: `devnet` brings a network up and down, in its `folder`; its `chain`, its `processes`, its `status`."""
