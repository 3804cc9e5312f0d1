"""What the API takes and gives. Requests are checked by these, and the document is made of them."""
