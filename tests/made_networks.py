"""Small networks as others save them."""


def small_network(size=None, head=True, scaled=True, dtype="float32", width=8):
    """Convolution, norm, mean over places and a classifier; two classes more than the sample has."""
    import keras
    from keras import layers

    pictures = keras.Input((size, size, 3), dtype=dtype, name="image")
    x = layers.Rescaling(1 / 255, name="scale")(pictures) if scaled else pictures
    x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("relu", name="maps")(x)
    if head:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(5, activation="softmax", name="classes")(x)
    return keras.Model(pictures, x, name="small")
