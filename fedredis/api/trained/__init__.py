"""What becomes of a trained model: predictions, and files."""
