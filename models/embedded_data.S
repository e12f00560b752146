#include "base/embed.h"

EMBED(fashion_resnet20, "fashion-resnet20.safetensors")
EMBED_END
