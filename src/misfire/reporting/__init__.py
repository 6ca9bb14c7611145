"""Tables, figures and documents as data, and the files that they become; knows no method."""
