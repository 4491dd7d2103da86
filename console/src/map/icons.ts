/** Signs for the map, drawn here so that no sprite has to be fetched. */

const SIZE = 64;
const RATIO = 2;

type Draw = (pen: CanvasRenderingContext2D) => void;

export const STATION_COLOURS = { normal: "#45d19a", over: "#ff6b6b", silent: "#6f88a5" } as const;
export const CAMERA_COLOURS = { online: "#52c7f2", resting: "#52c7f2", offline: "#6f88a5", unknown: "#6f88a5" } as const;

function drawn(draw: Draw): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("no 2d canvas");
  pen.translate(SIZE / 2, SIZE / 2);
  pen.lineJoin = "round";
  draw(pen);
  return pen.getImageData(0, 0, SIZE, SIZE);
}

function station(colour: string): Draw {
  return (pen) => {
    pen.rotate(Math.PI / 4);
    pen.fillStyle = colour;
    pen.strokeStyle = "#07111f";
    pen.lineWidth = 4;
    pen.strokeRect(-9, -9, 18, 18);
    pen.fillRect(-9, -9, 18, 18);
  };
}

/** A view cone upwards from the camera's dot; the map turns it by the camera's heading. */
function camera(colour: string, cone: boolean, offline: boolean): Draw {
  return (pen) => {
    if (cone) {
      pen.beginPath();
      pen.moveTo(0, 0);
      pen.arc(0, 0, 31, -Math.PI / 2 - 0.5, -Math.PI / 2 + 0.5);
      pen.closePath();
      pen.fillStyle = `${colour}80`;
      pen.fill();
    }
    pen.beginPath();
    pen.arc(0, 0, 9, 0, 2 * Math.PI);
    pen.fillStyle = offline ? "#07111f" : colour;
    pen.strokeStyle = offline ? colour : "#07111f";
    pen.lineWidth = 4;
    pen.stroke();
    pen.fill();
  };
}

/** Name and picture of every sign; `-cone` for cameras whose heading is known. */
export function icons(): { name: string; image: ImageData; pixelRatio: number }[] {
  const found: { name: string; image: ImageData; pixelRatio: number }[] = [];
  const add = (name: string, draw: Draw) => found.push({ name, image: drawn(draw), pixelRatio: RATIO });
  for (const [state, colour] of Object.entries(STATION_COLOURS)) add(`station-${state}`, station(colour));
  for (const [state, colour] of Object.entries(CAMERA_COLOURS)) {
    add(`camera-${state}`, camera(colour, false, state !== "online"));
    add(`camera-${state}-cone`, camera(colour, true, state !== "online"));
  }
  return found;
}
