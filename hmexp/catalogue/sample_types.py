"""The product types of the sample: which group each belongs to, how it is drawn, how common it is."""

from dataclasses import dataclass

from hmexp.catalogue import sample_outlines as draw
from hmexp.catalogue.sample_outlines import Outline


@dataclass(frozen=True)
class ProductType:
    """One product type.

    Attributes:
        name: `product_type_name`.
        group: `product_group_name`.
        share: Weight within its group.
        outline: How it is drawn.
    """

    name: str
    group: str
    share: float
    outline: Outline


UPPER, LOWER, FULL = "Garment Upper body", "Garment Lower body", "Garment Full body"
TYPES = (
    ProductType("T-shirt", UPPER, 3, draw.top((0.1, 0.4))),
    ProductType("Sweater", UPPER, 3, draw.top((0.8, 1.05))),
    ProductType("Vest top", UPPER, 2, draw.top((0, 0), (0.68, 0.85), strap=True)),
    ProductType("Shirt", UPPER, 2, draw.jacket),
    ProductType("Hoodie", UPPER, 1, draw.hoodie),
    ProductType("Trousers", LOWER, 4, draw.trousers((0.82, 0.96), (0.08, 0.15))),
    ProductType("Shorts", LOWER, 2, draw.trousers((0.45, 0.6), (0.14, 0.2))),
    ProductType("Skirt", LOWER, 2, draw.skirt),
    ProductType("Leggings/Tights", LOWER, 1, draw.trousers((0.85, 0.96), (0.05, 0.08))),
    ProductType("Dress", FULL, 5, draw.dress()),
    ProductType("Jumpsuit/Playsuit", FULL, 1, draw.jumpsuit),
    ProductType("Bag", "Accessories", 2, draw.bag),
    ProductType("Hat/beanie", "Accessories", 2, draw.hat),
    ProductType("Scarf", "Accessories", 1, draw.scarf),
    ProductType("Belt", "Accessories", 1, draw.belt),
    ProductType("Sunglasses", "Accessories", 1, draw.sunglasses),
    ProductType("Earring", "Accessories", 2, draw.earrings),
    ProductType("Bra", "Underwear", 3, draw.bra),
    ProductType("Underwear bottom", "Underwear", 2, draw.briefs),
    ProductType("Underwear body", "Underwear", 1, draw.swimsuit),
    ProductType("Sneakers", "Shoes", 3, draw.shoe(0.02, 0.08)),
    ProductType("Boots", "Shoes", 2, draw.shoe(0.06, 0.3)),
    ProductType("Pumps", "Shoes", 1, draw.shoe(0.16, 0.02)),
    ProductType("Bikini top", "Swimwear", 2, draw.bra),
    ProductType("Swimwear bottom", "Swimwear", 2, draw.briefs),
    ProductType("Swimsuit", "Swimwear", 2, draw.swimsuit),
    ProductType("Socks", "Socks & Tights", 3, draw.socks((0.15, 0.5))),
    ProductType("Underwear Tights", "Socks & Tights", 1, draw.trousers((0.9, 0.97), (0.04, 0.07))),
    ProductType("Pyjama set", "Nightwear", 2, draw.pyjama),
    ProductType("Night gown", "Nightwear", 1, draw.dress((0.5, 1.0), (0.62, 0.75))),
    ProductType("Unknown", "Unknown", 1, draw.scarf),
    ProductType("Robe", "Underwear/nightwear", 1, draw.jacket),
    ProductType("Fine cosmetics", "Cosmetic", 1, draw.bottle),
    ProductType("Weekend/Gym bag", "Bags", 1, draw.bag),
    ProductType("Wireless earphone case", "Items", 1, draw.cushion),
    ProductType("Side table", "Furniture", 1, draw.chair),
    ProductType("Shoe spray", "Garment and Shoe care", 1, draw.bottle),
    ProductType("Marker pen", "Stationery", 1, draw.notebook),
    ProductType("Cushion", "Interior textile", 1, draw.cushion),
    ProductType("Toy", "Fun", 1, draw.toy),
)
GROUP_COUNTS = {
    UPPER: 800,
    LOWER: 372,
    FULL: 250,
    "Accessories": 210,
    "Underwear": 104,
    "Shoes": 100,
    "Swimwear": 60,
    "Socks & Tights": 46,
    "Nightwear": 36,
    "Unknown": 6,
    "Underwear/nightwear": 4,
    "Cosmetic": 4,
    "Bags": 3,
    "Items": 2,
    "Furniture": 2,
    "Garment and Shoe care": 1,
    "Stationery": 1,
    "Interior textile": 1,
    "Fun": 1,
}
"""Articles of each group: the real catalogue's counts, scaled to 2,003."""
