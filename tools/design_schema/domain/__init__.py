"""The domain model: what a design is made from, as people speak of their business."""
