A client over BOSH that waits costs half of the memory that it did, and a message less CPU; one response has at
most 256 kB, so that what is kept for repetitions is bounded.
