"""Methods that find and mend a model's failures, a room each; none knows another."""
