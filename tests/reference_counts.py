"""What the reference counts in H&M's catalogue."""

ARTICLES = {
    "Garment Upper body": 42741,
    "Garment Lower body": 19812,
    "Garment Full body": 13292,
    "Accessories": 11158,
    "Underwear": 5490,
    "Shoes": 5283,
    "Swimwear": 3127,
    "Socks & Tights": 2442,
    "Nightwear": 1899,
    "Unknown": 121,
    "Underwear/nightwear": 54,
    "Cosmetic": 49,
    "Bags": 25,
    "Items": 17,
    "Furniture": 13,
    "Garment and Shoe care": 9,
    "Stationery": 5,
    "Interior textile": 3,
    "Fun": 2,
}
"""Articles of each product group."""
