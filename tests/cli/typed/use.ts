// What may and may not be written over the generated types; tsc checks it.
import PocketBase from "pocketbase";
import type { JsonValue, PostsRecord, TypedPocketBase, UsersRecord } from "./generated.ts";

const pb = new PocketBase("http://127.0.0.1:8090") as TypedPocketBase;
const plain: PocketBase = pb;

export async function right(file: File): Promise<void> {
    const post: PostsRecord = await pb.collection("posts").getOne("x", { expand: "author,comments_via_post" });
    const author: UsersRecord | undefined = post.expand?.author;
    const email: string | undefined = author?.email;
    const texts: string[] = (post.expand?.comments_via_post ?? []).map((comment) => comment.text);
    const cover: string | undefined = post.expand?.covers_via_post?.id;
    const status: "draft" | "it's \"out\"\\" = post.status;
    const docs: string[] = post.docs;
    const price: `${number}` = post.price;
    const meta: JsonValue = post.meta;
    await pb.collection("posts").create({ title: "x", status: "draft", cover: file, docs: [file], due: new Date(), meta: { a: [1] } });
    await pb.collection("posts").create(new FormData());
    await pb.collection("posts").update("x", { "votes+": 1, "tags+": "t", "docs-": ["a.txt"] });
    const page = await pb.collection("posts").getList(1, 20, { filter: pb.filter("title = {:t}", { t: "x" }) });
    const first: number = page.items[0]!.votes;
    const all = await pb.collection("stats").getFullList();
    const n: number = all[0]!.n;
    const signedIn = await pb.collection("users").authWithPassword("a", "b");
    const name: string = signedIn.record.name;
    await pb.collection("users").create({ email: "a", password: "p", passwordConfirm: "p" });
    await pb.collection("posts").subscribe("*", (event) => { const title: string = event.record.title; void title; });
    const batch = pb.createBatch();
    batch.collection("posts").create({ title: "x", status: "draft" });
    batch.collection("posts").delete("x");
    const url: string = pb.files.getURL(post, post.cover);
    void [email, texts, cover, status, docs, first, n, name, url, plain, price, meta];
}

export async function wrong(): Promise<void> {
    // @ts-expect-error no such collection
    pb.collection("psots");
    // @ts-expect-error a required field is missing
    await pb.collection("posts").create({ status: "draft" });
    // @ts-expect-error nothing at all
    await pb.collection("posts").create();
    // @ts-expect-error not one of the values
    await pb.collection("posts").create({ title: "x", status: "lost" });
    // @ts-expect-error no such field
    await pb.collection("posts").update("x", { titel: "x" });
    // @ts-expect-error a number is no text
    await pb.collection("posts").update("x", { title: 5 });
    // @ts-expect-error a type of a plugin
    await pb.collection("posts").update("x", { price: "a lot" });
    // @ts-expect-error only the server sets it
    await pb.collection("posts").update("x", { created: "2024-01-01" });
    // @ts-expect-error one relation is one id
    await pb.collection("posts").update("x", { author: ["a"] });
    // @ts-expect-error nobody writes a view
    await pb.collection("stats").create({ title: "x" });
    // @ts-expect-error nobody deletes from a view
    await pb.collection("stats").delete("x");
    // @ts-expect-error no auth collection
    await pb.collection("posts").authWithPassword("a", "b");
    const post = await pb.collection("posts").getOne("x");
    // @ts-expect-error no such field
    void post.titel;
    // @ts-expect-error a hidden field may be absent
    const secret: string = post.secret;
    const user = await pb.collection("users").getOne("x");
    // @ts-expect-error an answer never has the password
    void user.password;
    // @ts-expect-error no relation of this name
    void post.expand?.nobody;
    // @ts-expect-error several files are a list
    const doc: string = post.docs;
    // @ts-expect-error the same in a batch
    pb.createBatch().collection("posts").create({ titel: "x" });
    // @ts-expect-error a view has no place in a batch
    pb.createBatch().collection("stats");
    void [secret, doc];
}
