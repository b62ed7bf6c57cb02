"""The product types of the sample: which group each belongs to, how it is drawn, how common it is."""

from dataclasses import dataclass

from hmexp.catalogue.sample import garments, things
from hmexp.catalogue.sample.parts import Outline


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
    ProductType("T-shirt", UPPER, 3, garments.top((0.1, 0.4))),
    ProductType("Sweater", UPPER, 3, garments.top((0.8, 1.05))),
    ProductType("Vest top", UPPER, 2, garments.top((0, 0), (0.68, 0.85), strap=True)),
    ProductType("Shirt", UPPER, 2, garments.jacket),
    ProductType("Hoodie", UPPER, 1, garments.hoodie),
    ProductType("Trousers", LOWER, 4, garments.trousers((0.82, 0.96), (0.08, 0.15))),
    ProductType("Shorts", LOWER, 2, garments.trousers((0.45, 0.6), (0.14, 0.2))),
    ProductType("Skirt", LOWER, 2, garments.skirt),
    ProductType("Leggings/Tights", LOWER, 1, garments.trousers((0.85, 0.96), (0.05, 0.08))),
    ProductType("Dress", FULL, 5, garments.dress()),
    ProductType("Jumpsuit/Playsuit", FULL, 1, garments.jumpsuit),
    ProductType("Bag", "Accessories", 2, things.bag),
    ProductType("Hat/beanie", "Accessories", 2, things.hat),
    ProductType("Scarf", "Accessories", 1, things.scarf),
    ProductType("Belt", "Accessories", 1, things.belt),
    ProductType("Sunglasses", "Accessories", 1, things.sunglasses),
    ProductType("Earring", "Accessories", 2, things.earrings),
    ProductType("Bra", "Underwear", 3, garments.bra),
    ProductType("Underwear bottom", "Underwear", 2, garments.briefs),
    ProductType("Underwear body", "Underwear", 1, garments.swimsuit),
    ProductType("Sneakers", "Shoes", 3, things.shoe(0.02, 0.08)),
    ProductType("Boots", "Shoes", 2, things.shoe(0.06, 0.3)),
    ProductType("Pumps", "Shoes", 1, things.shoe(0.16, 0.02)),
    ProductType("Bikini top", "Swimwear", 2, garments.bra),
    ProductType("Swimwear bottom", "Swimwear", 2, garments.briefs),
    ProductType("Swimsuit", "Swimwear", 2, garments.swimsuit),
    ProductType("Socks", "Socks & Tights", 3, things.socks((0.15, 0.5))),
    ProductType("Underwear Tights", "Socks & Tights", 1, garments.trousers((0.9, 0.97), (0.04, 0.07))),
    ProductType("Pyjama set", "Nightwear", 2, garments.pyjama),
    ProductType("Night gown", "Nightwear", 1, garments.dress((0.5, 1.0), (0.62, 0.75))),
    ProductType("Unknown", "Unknown", 1, things.scarf),
    ProductType("Robe", "Underwear/nightwear", 1, garments.jacket),
    ProductType("Fine cosmetics", "Cosmetic", 1, things.bottle),
    ProductType("Weekend/Gym bag", "Bags", 1, things.bag),
    ProductType("Wireless earphone case", "Items", 1, things.cushion),
    ProductType("Side table", "Furniture", 1, things.chair),
    ProductType("Shoe spray", "Garment and Shoe care", 1, things.bottle),
    ProductType("Marker pen", "Stationery", 1, things.notebook),
    ProductType("Cushion", "Interior textile", 1, things.cushion),
    ProductType("Toy", "Fun", 1, things.toy),
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
