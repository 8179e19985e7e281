"""The data engine: fetches openly licensed pictures, letters and words, and makes batches of captioned pictures of them."""
