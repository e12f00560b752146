"""BERT and GPT-2 of small configuration, written from torch.nn's parts under Hugging Face's names.

A batch is [n, 1, tokens, 1], token ids as floats, -1 behind the last one of each text.
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from networks import Network

# Wide enough for the products by the processor's tiles (src/ops/split.h).
VOCABULARY, TOKENS, HIDDEN, LAYERS, HEADS, INNER = 50, 24, 96, 2, 4, 192
MASK = VOCABULARY - 1  # stands for a hidden token, and in no text


def attend(q, k, v, there, causal):
    """q, k, v: [n, tokens, channels]; there: [n, tokens], whether a token is."""
    def split(x):
        return x.unflatten(2, (HEADS, -1)).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    hidden = ~there[:, None, None, :]
    if causal:
        hidden = hidden | torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)
    scores = (q @ k.transpose(2, 3) / q.shape[3]**0.5).masked_fill(hidden, -torch.inf)
    return (scores.softmax(3) @ v).transpose(1, 2).flatten(2)


def parts(**modules):
    """A module that only has others."""
    module = nn.Module()
    for name, part in modules.items():
        module.add_module(name, part)
    return module


def norm(eps):
    return nn.LayerNorm(HIDDEN, eps=eps)


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        own = parts(query=nn.Linear(HIDDEN, HIDDEN), key=nn.Linear(HIDDEN, HIDDEN),
                    value=nn.Linear(HIDDEN, HIDDEN))
        output = parts(dense=nn.Linear(HIDDEN, HIDDEN), LayerNorm=norm(1e-12))
        self.attention = parts(**{"self": own, "output": output})
        self.intermediate = parts(dense=nn.Linear(HIDDEN, INNER))
        self.output = parts(dense=nn.Linear(INNER, HIDDEN), LayerNorm=norm(1e-12))

    def forward(self, x, there):
        own = getattr(self.attention, "self")
        y = attend(own.query(x), own.key(x), own.value(x), there, False)
        x = self.attention.output.LayerNorm(self.attention.output.dense(y) + x)
        y = functional.gelu(self.intermediate.dense(x))
        return self.output.LayerNorm(self.output.dense(y) + x)


class Bert(nn.Module):
    """classes 0: a masked language model, whose head has the embedding's weight."""

    def __init__(self, classes):
        super().__init__()
        embeddings = parts(word_embeddings=nn.Embedding(VOCABULARY, HIDDEN),
                           position_embeddings=nn.Embedding(TOKENS, HIDDEN),
                           token_type_embeddings=nn.Embedding(2, HIDDEN), LayerNorm=norm(1e-12))
        layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))
        self.bert = parts(embeddings=embeddings, encoder=parts(layer=layers))
        if classes:
            self.bert.pooler = parts(dense=nn.Linear(HIDDEN, HIDDEN))
            self.classifier = nn.Linear(HIDDEN, classes)
        else:
            transform = parts(dense=nn.Linear(HIDDEN, HIDDEN), LayerNorm=norm(1e-12))
            self.cls = parts(predictions=parts(transform=transform))
            self.cls.predictions.bias = nn.Parameter(torch.empty(VOCABULARY))

    def predictions(self, x):
        p, words = self.cls.predictions, self.bert.embeddings.word_embeddings.weight
        x = p.transform.LayerNorm(functional.gelu(p.transform.dense(x)))
        return functional.linear(x, words, p.bias)

    def forward(self, batch):
        ids, there = batch[:, 0, :, 0].long().clamp(0), batch[:, 0, :, 0] >= 0
        e = self.bert.embeddings
        x = e.LayerNorm(e.word_embeddings(ids) + e.position_embeddings.weight
                        + e.token_type_embeddings.weight[0])
        for layer in self.bert.encoder.layer:
            x = layer(x, there)
        if hasattr(self, "cls"):
            return self.predictions(x) * (ids == MASK)[:, :, None]
        return self.classifier(torch.tanh(self.bert.pooler.dense(x[:, 0])))


class Conv1D(nn.Module):
    """A linear layer whose weight is [in, out]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class GPT2Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = norm(1e-5), norm(1e-5)
        self.attn = parts(c_attn=Conv1D(HIDDEN, 3 * HIDDEN), c_proj=Conv1D(HIDDEN, HIDDEN))
        self.mlp = parts(c_fc=Conv1D(HIDDEN, INNER), c_proj=Conv1D(INNER, HIDDEN))

    def forward(self, x, there):
        y = attend(*self.attn.c_attn(self.ln_1(x)).chunk(3, 2), there, True)
        x = x + self.attn.c_proj(y)
        y = functional.gelu(self.mlp.c_fc(self.ln_2(x)), approximate="tanh")
        return x + self.mlp.c_proj(y)


class GPT2(nn.Module):
    """classes 0: a language model, whose head is the embedding's weight."""

    def __init__(self, classes):
        super().__init__()
        self.transformer = parts(wte=nn.Embedding(VOCABULARY, HIDDEN), wpe=nn.Embedding(TOKENS, HIDDEN),
                                 h=nn.ModuleList(GPT2Block() for _ in range(LAYERS)), ln_f=norm(1e-5))
        self.score = nn.Linear(HIDDEN, classes, bias=False) if classes else None

    def forward(self, batch):
        ids, there = batch[:, 0, :, 0].long().clamp(0), batch[:, 0, :, 0] >= 0
        x = self.transformer.wte(ids) + self.transformer.wpe.weight
        for block in self.transformer.h:
            x = block(x, there)
        x = self.transformer.ln_f(x)
        if self.score is None:
            return functional.linear(x, self.transformer.wte.weight) * there[:, :, None]
        return self.score(x[torch.arange(len(x)), there.sum(1) - 1])


class TextNetwork(Network):
    def __init__(self, name, build, block, head, model, config, language=False):
        config = dict(config, vocab_size=VOCABULARY)
        super().__init__(name, build, (1, TOKENS, 1), block, head, {"model": model, "config": config},
                         steps=10, masks=("full", "tail, bn frozen", "head"), optims=("sgd", "adam"))
        self.language = language

    def start(self, draw):
        model = self.build(self.classes)
        for name, parameter in model.named_parameters():
            centre = 1 if "LayerNorm.weight" in name or "ln_" in name and "weight" in name else 0
            nn.init.normal_(parameter, centre, 0.15)
        return {name: value.numpy() for name, value in model.state_dict().items()}

    def draw(self, random, n):
        """Texts of all lengths, in which the label decides which ids are frequent."""
        y = random.integers(0, self.classes, n)
        ids = random.integers(0, VOCABULARY, (n, TOKENS))
        ids = (ids < VOCABULARY // 2) * ids + (ids >= VOCABULARY // 2) * y[:, None]
        lengths = random.integers(2, TOKENS + 1, n)
        ids[range(TOKENS) >= lengths[:, None]] = -1
        return ids.astype("float32")[:, None, :, None], y

    def targets(self, logits, x, y):
        if not self.language:
            return logits, y
        following = x[:, 0, 1:, 0].long()
        there = following >= 0
        return logits[:, :-1][there], following[there]


BERT = {"model_type": "bert", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": INNER, "max_position_embeddings": TOKENS,
        "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}
GPT = {"model_type": "gpt2", "n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_inner": INNER,
       "n_positions": TOKENS, "resid_pdrop": 0, "embd_pdrop": 0, "attn_pdrop": 0}
class MaskedNetwork(TextNetwork):
    """Every fifth token is hidden, the first one of a text always; y: [n, tokens], what is hidden, or -1."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.parts["tail"] = ("cls.", WORDS, *self.parts["tail"])
        self.parts["head"] = ("cls.", WORDS)

    def draw(self, random, n):
        x, _ = super().draw(random, n)
        x = np.minimum(x, MASK - 1)
        hidden = (random.random(x.shape) < 0.2) & (x >= 0)
        hidden[:, :, 0] = True
        y = np.where(hidden, x, -1)[:, 0, :, 0].astype("int64")
        for row in y:  # no more than thaw's model has room for
            row[np.flatnonzero(row >= 0)[4:]] = -1
        return np.where(y[:, None, :, None] >= 0, MASK, x).astype("float32"), y

    def targets(self, logits, x, y):
        return logits[y >= 0], y[y >= 0]


WORDS = "bert.embeddings.word_embeddings."
GPT_TAIL = ("transformer.h.1.", "transformer.ln_f.")
TEXT_NETWORKS = [
    TextNetwork("bert", Bert, ("bert.encoder.layer.1.", "bert.pooler."), "classifier.", "bert-tiny",
                BERT),
    MaskedNetwork("bert, masked", lambda classes: Bert(0), ("bert.encoder.layer.1.",), "cls.",
                  "bert-tiny-lm", BERT),
    TextNetwork("gpt2", GPT2, GPT_TAIL, "score.", "gpt2", GPT),
    TextNetwork("gpt2, language", lambda classes: GPT2(0), GPT_TAIL, "transformer.wte.", "gpt2-lm",
                GPT, language=True),
]
