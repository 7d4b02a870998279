"""The networks whose `model.summary()` lies beside this file, built with Keras 3.15 (`keras`) or 2.21 (`tf_keras`).

It is not run by the tests: `for name, model in networks(keras).items(): model.summary()`, each into a file of its name.
"""

import numpy as np


def networks(keras):
    L, S, Input = keras.layers, keras.Sequential, keras.Input

    def functional():
        x = inp = Input((32, 32, 3))
        x = L.Conv2D(16, 3, padding="same")(x)
        a = L.BatchNormalization()(x)
        x = L.ReLU()(a)
        b = L.Conv2D(16, 3, padding="same")(x)
        x = L.Add()([a, b])
        c = L.Conv2D(8, 1)(x)
        d = L.Conv2D(12, 5, padding="same")(x)
        e = L.MaxPooling2D(3, strides=1, padding="same")(x)
        x = L.Concatenate()([c, d, e])
        x = L.GlobalAveragePooling2D()(x)
        y = L.Dense(7, activation="softmax", name="expression")(x)
        z = L.Dense(2, name="valence")(x)
        return keras.Model(inp, [y, z])

    out = {
        "strided": S(
            [
                Input((48, 48, 1)),
                L.Conv2D(32, 3, strides=2, activation="relu"),
                L.Conv2D(64, (5, 3), strides=(2, 1), padding="same"),
                L.Conv2D(64, 3, use_bias=False),
                L.BatchNormalization(),
                L.Conv2D(64, 3, dilation_rate=2, groups=4),
                L.Flatten(),
                L.Dense(7, use_bias=False),
            ]
        ),
        "separable": S(
            [
                Input((64, 64, 3)),
                L.SeparableConv2D(32, 3),
                L.SeparableConv2D(32, 5, padding="same", depth_multiplier=2, use_bias=False),
                L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False),
                L.BatchNormalization(scale=False),
                L.DepthwiseConv2D(3, depth_multiplier=2),
                L.GlobalMaxPooling2D(keepdims=True),
                L.Flatten(),
                L.Dense(10),
            ]
        ),
        "decoder": S(
            [
                Input((7, 7, 64)),
                L.Conv2DTranspose(32, 3, strides=2),
                L.Conv2DTranspose(16, 4, strides=2, padding="same"),
                L.UpSampling2D((2, 3)),
                L.ZeroPadding2D(((1, 2), (3, 4))),
                L.Cropping2D(3),
                L.Conv2D(3, 3, padding="same"),
            ]
        ),
        "lstm": S(
            [
                Input((30,)),
                L.Embedding(5000, 64),
                L.SpatialDropout1D(0.2),
                L.Bidirectional(L.LSTM(32, return_sequences=True)),
                L.GRU(24, return_sequences=True),
                L.GRU(20, return_sequences=True, reset_after=False),
                L.SimpleRNN(16, return_sequences=True),
                L.Bidirectional(L.GRU(8, return_sequences=True), merge_mode="sum"),
                L.LSTM(8),
                L.RepeatVector(5),
                L.Dense(4),
            ]
        ),
        "time_distributed": S(
            [
                Input((16, 32, 32, 3)),
                L.TimeDistributed(L.Conv2D(8, 3, padding="same")),
                L.TimeDistributed(L.MaxPooling2D()),
                L.TimeDistributed(L.Flatten()),
                L.TimeDistributed(L.Dense(32)),
                L.LSTM(16),
                L.Dense(6),
            ]
        ),
        "pools": S(
            [
                Input((48, 60, 1)),
                L.Conv2D(8, 3, dilation_rate=2),
                L.MaxPooling2D((2, 3)),
                L.AveragePooling2D(3, strides=2),
                L.MaxPooling2D(3, strides=1, padding="same"),
                L.PReLU(shared_axes=[1, 2]),
                L.PReLU(),
                L.MaxPooling2D((3, 2), strides=(2, 1), padding="same"),
                L.GlobalAveragePooling2D(),
                L.Dropout(0.5),
                L.Dense(7),
            ]
        ),
        "normalised": S(
            [
                Input((28, 28, 8)),
                L.Conv2D(16, 3),
                L.LayerNormalization(),
                L.GroupNormalization(4),
                L.BatchNormalization(center=False),
                L.UnitNormalization(),
                L.Activation("relu"),
                L.LayerNormalization(axis=[1, 2, 3]),
                L.LeakyReLU(),
                L.GaussianNoise(0.1),
                L.Flatten(),
                L.BatchNormalization(),
                L.Dense(3),
            ]
        ),
        "reshaped": S(
            [
                Input((12, 10)),
                L.Reshape((6, 20)),
                L.Permute((2, 1)),
                L.Conv1D(16, 3, padding="causal"),
                L.Conv1D(8, 5, strides=2),
                L.MaxPooling1D(2),
                L.ZeroPadding1D(2),
                L.UpSampling1D(2),
                L.Cropping1D((1, 2)),
                L.Flatten(),
                L.Reshape((4, -1)),
                L.GlobalAveragePooling1D(),
                L.RepeatVector(3),
                L.Softmax(),
            ]
        ),
        "c3d": S(
            [
                Input((16, 112, 112, 3)),
                L.Conv3D(8, 3, padding="same"),
                L.MaxPooling3D((1, 2, 2)),
                L.Conv3D(16, (3, 3, 1)),
                L.BatchNormalization(),
                L.AveragePooling3D(2),
                L.ZeroPadding3D(((0, 0), (0, 1), (0, 1))),
                L.Conv3DTranspose(4, 2, strides=2),
                L.GlobalMaxPooling3D(),
                L.Dense(6),
            ]
        ),
        "residual": functional(),
        "mobilenet": keras.applications.MobileNet(weights=None, input_shape=(96, 96, 3), classes=7),
        "mobilenet_v2": keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), classes=7, alpha=0.35),
        "vgg16": keras.applications.VGG16(weights=None, input_shape=(64, 64, 3), classes=7),
        "resnet50": keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=7),
        "inception_v3": keras.applications.InceptionV3(weights=None, input_shape=(139, 139, 3), classes=7),
    }
    base = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(64, 64, 3))
    out["nested"] = S([Input((64, 64, 3)), L.Rescaling(1 / 255), base, L.Flatten(), L.Dense(7)])
    compiled = S([Input((48, 48, 1)), L.Conv2D(32, 3), L.MaxPooling2D(), L.Flatten(), L.Dense(7)])
    compiled.compile("adam", "categorical_crossentropy")
    compiled.fit(np.zeros((4, 48, 48, 1)), np.eye(7)[:4], verbose=0)
    out["compiled"] = compiled
    return out
