"""What a customer, or who looks at an article, is shown: similar articles, and twelve for each customer."""
