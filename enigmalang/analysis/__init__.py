"""What is found out about the IR's values: who may learn them, what range they have, how long they are."""
