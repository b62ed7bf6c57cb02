"""One evaluation: predict a split, compute what is known of the model on it, write it down."""
