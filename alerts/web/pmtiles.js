// Streets below Leaflet's maps, drawn here from the town's own file of OpenStreetMap (PMTiles 3 with Mapbox Vector Tiles
// 2.1), of which ranges are asked for: who looks at a map tells nobody else. `L.tileLayer` knows such a file by its name.
// What can't be read leaves its square empty: outlines and pins are there without it.
(() => {
  const FIRST = 16384, KEPT = 96, DEEPEST = 3, SIDE = 512;
  const CREDIT = '© <a href="https://www.openstreetmap.org/copyright" rel="noopener">OpenStreetMap</a>';
  const plain = L.tileLayer;
  L.tileLayer = (address, options = {}) => (address.endsWith(".pmtiles") ? new Streets(address, options) : plain(address, options));

  // --- the file's header, its directories, one tile ------------------------------------------------------------------------

  class File {
    constructor(address) {
      [this.address, this.cache, this.head, this.kept] = [address, "default", null, new Map()];
    }

    async range(from, length, cache = "default") {
      const answer = await fetch(this.address, {headers: {Range: `bytes=${from}-${from + length - 1}`}, cache});
      if (answer.status !== 206) throw new Error(`${this.address}: ${answer.status}`);
      return {bytes: new Uint8Array(await answer.arrayBuffer()), etag: answer.headers.get("etag")};
    }

    // Of a file that was replaced meanwhile nothing that is known of the old one holds.
    async part(from, length) {
      const {etag} = await this.opened;
      const found = await this.range(from, length);
      if (found.etag === etag) return found.bytes;
      this.kept.clear();
      [this.head, this.cache] = [null, "reload"];
      throw new Error("replaced");
    }

    get opened() {
      if (!this.head) {
        const begun = this.head = this.begin(this.cache);
        begun.catch(() => { if (this.head === begun) this.head = null; });
      }
      return this.head;
    }

    async begin(cache) {
      const {bytes, etag} = await this.range(0, FIRST, cache), view = new DataView(bytes.buffer);
      const number = (at) => Number(view.getBigUint64(at, true));
      if (String.fromCharCode(...bytes.subarray(0, 7)) !== "PMTiles" || bytes[7] !== 3 || bytes[99] !== 1) throw new Error("no vector map");
      const head = {etag, leaves: number(40), data: number(56), packed: bytes[97], packedTiles: bytes[98], least: bytes[100], most: bytes[101]};
      head.root = entries(await unpacked(bytes.subarray(number(8), number(8) + number(16)), head.packed));
      return head;
    }

    // Kept by what is asked; what failed is asked for again.
    once(key, make) {
      if (!this.kept.has(key)) {
        const made = make();
        this.kept.set(key, made);
        made.catch(() => this.kept.delete(key));
        if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
      }
      return this.kept.get(key);
    }

    async tile(z, x, y) {
      const head = await this.opened, id = tileId(z, x, y);
      let directory = head.root;
      for (let depth = 0; depth <= DEEPEST; depth++) {
        const found = nearest(directory, id);
        if (!found) return null;
        const {offset, length, run} = found;
        if (run) return this.once(`tile ${offset}`, async () => layers(await unpacked(await this.part(head.data + offset, length), head.packedTiles)));
        directory = await this.once(`leaf ${offset}`, async () => entries(await unpacked(await this.part(head.leaves + offset, length), head.packed)));
      }
      return null;
    }
  }

  async function unpacked(bytes, how) {
    if (how === 1) return bytes;
    if (how !== 2) throw new Error(`compression ${how}`);
    return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  }

  // Where a tile stands on the Hilbert curves of all zooms, one after the other.
  function tileId(z, x, y) {
    let id = (4 ** z - 1) / 3;
    for (let side = 2 ** z / 2; side >= 1; side /= 2) {
      const right = x >= side ? 1 : 0, down = y >= side ? 1 : 0;
      id += side * side * ((3 * right) ^ down);
      [x, y] = [x % side, y % side];
      if (!down) [x, y] = right ? [side - 1 - y, side - 1 - x] : [y, x];
    }
    return id;
  }

  function entries(bytes) {
    const read = new Reader(bytes), count = read.varint(), all = Array.from({length: Math.min(count, bytes.length)}, () => ({}));
    let id = 0;
    for (const each of all) each.id = id += read.varint();
    for (const each of all) each.run = read.varint();
    for (const each of all) each.length = read.varint();
    all.forEach((each, at) => {
      const told = read.varint(), before = all[at - 1];
      each.offset = told || !before ? told - 1 : before.offset + before.length;
    });
    return all;
  }

  function nearest(directory, id) {
    let low = 0, high = directory.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (directory[middle].id <= id) low = middle + 1;
      else high = middle - 1;
    }
    const found = directory[high];
    return found && (!found.run || id < found.id + found.run) ? found : null;
  }

  // --- protocol buffers: the layers that are drawn ---------------------------------------------------------------------

  class Reader {
    constructor(bytes) {
      [this.bytes, this.at] = [bytes, 0];
    }

    varint() {
      let value = 0, factor = 1;
      for (let n = 0; n < 10 && this.at < this.bytes.length; n++, factor *= 128) {
        const byte = this.bytes[this.at++];
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
      throw new RangeError("cut off");
    }

    // Each field's number, with its number or its bytes.
    * fields() {
      while (this.at < this.bytes.length) {
        const tag = this.varint(), kind = tag & 7;
        if (kind === 0) yield [tag >> 3, this.varint()];
        else {
          const length = kind === 2 ? this.varint() : {1: 8, 5: 4}[kind];
          if (!length && kind !== 2) throw new RangeError(`type ${kind}`);
          yield [tag >> 3, this.bytes.subarray(this.at, (this.at += length))];
        }
      }
    }

    * numbers() {
      while (this.at < this.bytes.length) yield this.varint();
    }
  }

  const TEXT = new TextDecoder();

  function layers(bytes) {
    const found = {};
    for (const [field, value] of new Reader(bytes).fields()) {
      if (field !== 3) continue;
      const layer = {name: "", extent: 4096, keys: [], values: [], raw: []};
      for (const [what, told] of new Reader(value).fields()) {
        if (what === 1) layer.name = TEXT.decode(told);
        else if (what === 2) layer.raw.push(told);
        else if (what === 3) layer.keys.push(TEXT.decode(told));
        else if (what === 4) layer.values.push(valueOf(told));
        else if (what === 5) layer.extent = told;
      }
      if (DRAWN.has(layer.name)) found[layer.name] = {extent: layer.extent, features: layer.raw.map((raw) => feature(raw, layer))};
    }
    return found;
  }

  function valueOf(bytes) {
    for (const [field, value] of new Reader(bytes).fields()) {
      if (field === 1) return TEXT.decode(value);
      if (field > 3) return value; // numbers and truths; their signs are of no use here
    }
    return null;
  }

  function feature(raw, {keys, values}) {
    const told = {is: {}, type: 0, lines: []};
    for (const [field, value] of new Reader(raw).fields()) {
      if (field === 2) {
        const pairs = [...new Reader(value).numbers()];
        for (let at = 0; at + 1 < pairs.length; at += 2) told.is[keys[pairs[at]]] = values[pairs[at + 1]];
      } else if (field === 3) told.type = value;
      else if (field === 4) told.lines = linesOf(value);
    }
    told.kind = told.is.kind ?? told.is["pmap:kind"] ?? told.is.class ?? "";
    return told;
  }

  function linesOf(bytes) {
    const read = new Reader(bytes), lines = [], signed = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);
    let x = 0, y = 0, line = null;
    while (read.at < bytes.length) {
      const command = read.varint(), deed = command & 7;
      if (deed === 7) line?.push([...line[0]]);
      else for (let left = command >>> 3; left > 0; left--) {
        [x, y] = [x + signed(read.varint()), y + signed(read.varint())];
        if (deed === 1) lines.push(line = []);
        line?.push([x, y]);
      }
    }
    return lines;
  }

  // --- how it looks: Protomaps' layers and kinds, and those of OpenMapTiles (Planetiler) ---------------------------------

  const DRAWN = new Set(["earth", "landcover", "landuse", "natural", "park", "water", "waterway", "physical_line", "building", "buildings", "roads", "transit", "transportation", "transportation_name", "places", "place"]);
  const GREEN = new Set(["park", "garden", "forest", "wood", "grass", "grassland", "meadow", "cemetery", "nature_reserve", "national_park", "recreation_ground", "golf_course", "playground", "pitch", "scrub", "orchard", "village_green", "allotments"]);
  // Of each kind of road: how wide at zoom 16, in pixels, and from which zoom on it is drawn and named.
  const ROADS = {
    highway: [9, 5, 13], motorway: [9, 5, 13], trunk: [8, 6, 13], major_road: [7, 8, 14], primary: [7, 8, 14], secondary: [6, 10, 14], tertiary: [5.5, 11, 15], medium_road: [5.5, 11, 15],
    minor_road: [4, 12, 15], minor: [4, 12, 15], service: [2.5, 14, 16], track: [1.5, 14, 17], path: [1, 14, 17], other: [1.5, 14, 17], rail: [1, 11, 99],
  };
  const DAY = {earth: "#ebe8e2", green: "#d8e8d0", water: "#a9cce8", building: "#e0dbd2", casing: "#c4bfb5", road: "#ffffff", great: "#fbe3a6", rail: "#9a958c", ink: "#33373d", halo: "#ffffffd9"};
  const NIGHT = {earth: "#1d2024", green: "#213028", water: "#1b3a52", building: "#2a2d32", casing: "#15171a", road: "#3d4249", great: "#5a5030", rail: "#565b63", ink: "#d5d9df", halo: "#14161ad9"};
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function paint(canvas, tile, {zoom, scale, left, top}, ratio) {
    const pen = canvas.getContext("2d"), look = dark.matches ? NIGHT : DAY, taken = [];
    const all = (...names) => names.flatMap((name) => (tile[name]?.features ?? []).map((each) => ({...each, unit: (SIDE * scale) / tile[name].extent})));
    const at = ({unit}, [x, y]) => [x * unit - left, y * unit - top];
    pen.scale(ratio, ratio);
    pen.fillStyle = look.earth;
    pen.fillRect(0, 0, SIDE, SIDE);
    const trace = (each) => {
      pen.beginPath();
      for (const line of each.lines) line.forEach((point, n) => (n ? pen.lineTo(...at(each, point)) : pen.moveTo(...at(each, point))));
    };
    const fill = (found, colour) => found.forEach((each) => { if (each.type === 3) { trace(each); pen.fillStyle = colour; pen.fill("evenodd"); } });
    const stroke = (each, width, colour) => { trace(each); [pen.lineWidth, pen.strokeStyle] = [width, colour]; pen.stroke(); };
    [pen.lineJoin, pen.lineCap] = ["round", "round"];
    fill(all("landcover", "landuse", "natural", "park").filter(({kind, is}) => GREEN.has(kind) || GREEN.has(is.subclass)), look.green);
    fill(all("water"), look.water);
    for (const each of all("water", "waterway", "physical_line")) if (each.type === 2) stroke(each, Math.max(1, 2 * 2 ** (zoom - 16)), look.water);
    if (zoom >= 14) fill(all("building", "buildings"), look.building);
    const roads = all("roads", "transit", "transportation").filter(({type}) => type === 2).map((each) => ({...each, how: ROADS[each.kind] ?? ROADS.other})).filter(({how}) => zoom >= how[1]);
    roads.sort((one, other) => one.how[0] - other.how[0]);
    const wide = ({how}) => Math.max(how[0] > 4 ? 2 : how[0] > 3 ? 1.5 : 0.75, how[0] * 2 ** ((zoom - 16) * 0.75));
    for (const each of roads) if (each.kind !== "rail" && each.how[0] > 1.5 && wide(each) > 2) stroke(each, wide(each) + 2, look.casing);
    for (const each of roads) stroke(each, wide(each), each.kind === "rail" || each.how[0] < 2 ? look.rail : each.how[0] > 5 ? look.great : look.road);
    pen.fillStyle = look.ink;
    [pen.strokeStyle, pen.lineWidth, pen.textAlign, pen.textBaseline] = [look.halo, 3, "center", "middle"];
    for (const each of all("places", "place")) if (zoom < 17 && each.lines[0]) write(pen, nameOf(each), at(each, each.lines[0][0]), 0, "600 13px system-ui, sans-serif", taken);
    const named = [...roads, ...all("transportation_name").map((each) => ({...each, how: ROADS[each.kind] ?? ROADS.other}))];
    const said = new Set();
    for (const each of named.reverse()) {
      const name = nameOf(each), [middle, turn, room] = straightest(each, at) ?? [];
      if (!name || !middle || zoom < each.how[2] || said.has(name)) continue;
      pen.font = "12px system-ui, sans-serif";
      if (pen.measureText(name).width < room && write(pen, name, middle, turn, pen.font, taken)) said.add(name);
    }
  }

  const nameOf = ({is}) => is[`name:${document.documentElement.lang}`] || is.name || "";

  // The longest straight stretch of a road on this square: its middle, how it is turned, and its length.
  function straightest(road, at) {
    let best = null;
    for (const line of road.lines) {
      let from = null, last = null;
      for (let n = 1; n < line.length; n++) {
        const part = inside(at(road, line[n - 1]), at(road, line[n]));
        if (part && (!last || last[1].join() !== part[0].join() || bend(last, part) > 0.35)) [from] = part;
        last = part;
        if (!part) continue;
        const [[x1, y1], [x2, y2]] = [from, part[1]], room = Math.hypot(x2 - x1, y2 - y1);
        if (room > (best?.[2] ?? 0)) best = [[(x1 + x2) / 2, (y1 + y2) / 2], Math.atan((y2 - y1) / (x2 - x1 || 1e-9)), room];
      }
    }
    return best;
  }

  // What of a line from one point to another is on the square; null: nothing.
  function inside([x1, y1], [x2, y2]) {
    let [begin, end] = [0, 1];
    for (const [start, step] of [[x1, x2 - x1], [y1, y2 - y1]]) {
      if (!step && (start < 0 || start > SIDE)) return null;
      const cuts = step ? [-start / step, (SIDE - start) / step].sort((one, other) => one - other) : [0, 1];
      [begin, end] = [Math.max(begin, cuts[0]), Math.min(end, cuts[1])];
    }
    const point = (share) => [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
    return begin < end ? [begin ? point(begin) : [x1, y1], end < 1 ? point(end) : [x2, y2]] : null;
  }

  function bend([[x0, y0], [x1, y1]], [, [x2, y2]]) {
    const turned = Math.abs(Math.atan2(y2 - y1, x2 - x1) - Math.atan2(y1 - y0, x1 - x0));
    return Math.min(turned, 2 * Math.PI - turned);
  }

  // Only whole words: those that a tile's edge would cut, or that stand on others, aren't written.
  function write(pen, name, [x, y], turn, font, taken) {
    if (!name) return false;
    pen.font = font;
    const width = pen.measureText(name).width, w = Math.abs(Math.cos(turn)) * width / 2 + 8, h = Math.abs(Math.sin(turn)) * width / 2 + 8;
    const box = [x - w, y - h, x + w, y + h];
    if (box[0] < 0 || box[1] < 0 || box[2] > SIDE || box[3] > SIDE || taken.some((each) => box[0] < each[2] && each[0] < box[2] && box[1] < each[3] && each[1] < box[3])) return false;
    taken.push(box);
    pen.save();
    pen.translate(x, y);
    pen.rotate(turn);
    pen.strokeText(name, 0, 0);
    pen.fillText(name, 0, 0);
    pen.restore();
    return true;
  }

  const files = new Map();

  const Streets = L.GridLayer.extend({
    initialize(address, options) {
      L.GridLayer.prototype.initialize.call(this, {...options, tileSize: SIDE, attribution: [CREDIT, options.attribution].filter(Boolean).join(", ")});
      if (!files.has(address)) files.set(address, new File(address));
      this.file = files.get(address);
    },

    onAdd(map) {
      this.turn = () => this.redraw();
      dark.addEventListener("change", this.turn);
      map.attributionControl?.setPrefix("");
      return L.GridLayer.prototype.onAdd.call(this, map);
    },

    onRemove(map) {
      dark.removeEventListener("change", this.turn);
      L.GridLayer.prototype.onRemove.call(this, map);
    },

    // A square of 512 pixels is one of the zoom before; nearer than the file goes, a part of its last one.
    createTile({x, y, z}, done) {
      const canvas = document.createElement("canvas"), ratio = Math.min(devicePixelRatio || 1, 2);
      canvas.width = canvas.height = SIDE * ratio;
      canvas.setAttribute("aria-hidden", "true");
      this.draw(canvas, {x, y, z: z - 1}, ratio).then(() => done(null, canvas), () => done(null, canvas));
      return canvas;
    },

    async draw(canvas, {x, y, z}, ratio) {
      const {least, most} = await this.file.opened, scale = 2 ** Math.max(0, z - most), side = 2 ** Math.min(z, most);
      const [column, row] = [Math.floor(x / scale), Math.floor(y / scale)];
      if (z < least || row < 0 || row >= side) return;
      const tile = await this.file.tile(Math.min(z, most), ((column % side) + side) % side, row);
      if (tile) paint(canvas, tile, {zoom: z + 1, scale, left: (x - column * scale) * SIDE, top: (y - row * scale) * SIDE}, ratio);
    },
  });
})();
