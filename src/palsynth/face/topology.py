"""Anatomical names of MediaPipe's 478 landmarks.

Indices follow MediaPipe Face Mesh with refined irises (468 skin points, then five points per
iris). "Right" and "left" are the PATIENT's: the patient's right eye is on the left of an
unmirrored image. Every contour runs from the patient's right to the patient's left, so that the
upper and lower contours of an eye, a brow or the lips correspond point by point.
"""

from __future__ import annotations

import numpy as np

SKIN_POINTS = 468
POINTS = 478

IRIS = {"right": (468, 469, 470, 471, 472), "left": (473, 474, 475, 476, 477)}
"""Centre, then the points at 3, 12, 9 and 6 o'clock."""

UPPER_LID = {
    "right": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "left": (362, 398, 384, 385, 386, 387, 388, 466, 263),
}
LOWER_LID = {
    "right": (33, 7, 163, 144, 145, 153, 154, 155, 133),
    "left": (362, 382, 381, 380, 374, 373, 390, 249, 263),
}
UPPER_CREASE = {
    "right": (130, 247, 30, 29, 27, 28, 56, 190, 243),
    "left": (463, 414, 286, 258, 257, 259, 260, 467, 359),
}
OUTER_CANTHUS = {"right": 33, "left": 263}
INNER_CANTHUS = {"right": 133, "left": 362}

BROW_UPPER = {"right": (70, 63, 105, 66, 107), "left": (336, 296, 334, 293, 300)}
BROW_LOWER = {"right": (46, 53, 52, 65, 55), "left": (285, 295, 282, 283, 276)}

OUTER_UPPER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER_LIP = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
COMMISSURE = {"right": 61, "left": 291}
PHILTRUM = (2, 0)
"""Base of the nose, and midpoint of the upper vermilion border."""
NOSE_TIP, NASION, CHIN = 4, 168, 152

FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Closed contour, clockwise in the image from the top of the forehead."""

MULTIPIE_60 = {
    0: 127, 2: 132, 4: 172, 8: 152, 12: 397, 14: 361, 16: 356,
    17: 70, 18: 63, 19: 105, 20: 66, 21: 107, 22: 336, 23: 296, 24: 334, 25: 293, 26: 300,
    27: 168, 28: 197, 29: 5, 30: 4, 31: 75, 32: 97, 33: 2, 34: 326, 35: 305,
    36: 33, 37: 160, 38: 158, 39: 133, 40: 153, 41: 144,
    42: 362, 43: 385, 44: 387, 45: 263, 46: 373, 47: 380,
    48: 61, 49: 39, 50: 37, 51: 0, 52: 267, 53: 269, 54: 291, 55: 405, 56: 314, 57: 17,
    58: 84, 59: 181, 60: 78, 61: 82, 62: 13, 63: 312, 64: 308, 65: 317, 66: 14, 67: 87,
}  # fmt: skip
"""Multi-PIE landmark -> MediaPipe landmark, for the points that both schemes define well."""


_MIRROR_PAIRS = (
    "3:248 7:249 20:250 21:251 22:252 23:253 24:254 25:255 26:256 27:257 28:258 29:259 30:260 "
    "31:261 32:262 33:263 34:264 35:265 36:266 37:267 38:268 39:269 40:270 41:271 42:272 "
    "43:273 44:274 45:275 46:276 47:277 48:278 49:279 50:280 51:281 52:282 53:283 54:284 "
    "55:285 56:286 57:287 58:288 59:289 60:290 61:291 62:292 63:293 64:294 65:295 66:296 "
    "67:297 68:298 69:299 70:300 71:301 72:302 73:303 74:304 75:305 76:306 77:307 78:308 "
    "79:309 80:310 81:311 82:312 83:313 84:314 85:315 86:316 87:317 88:318 89:319 90:320 "
    "91:321 92:322 93:323 95:415 96:325 97:326 98:327 99:328 100:329 101:330 102:331 103:332 "
    "104:333 105:334 106:335 107:336 108:337 109:338 110:339 111:340 112:341 113:342 114:343 "
    "115:344 116:345 117:346 118:347 119:348 120:349 121:350 122:351 123:352 124:353 125:354 "
    "126:355 127:356 128:357 129:358 130:359 131:360 132:361 133:362 134:363 135:364 136:365 "
    "137:366 138:367 139:368 140:369 141:370 142:371 143:372 144:373 145:374 146:375 147:376 "
    "148:377 149:378 150:379 153:380 154:381 155:382 156:383 157:384 158:385 159:386 160:387 "
    "161:388 162:389 163:390 165:391 166:392 167:393 169:394 170:395 171:396 172:397 173:398 "
    "174:399 176:400 177:401 178:402 179:403 180:404 181:405 182:406 183:407 184:408 185:409 "
    "186:410 187:411 188:412 189:413 190:414 191:324 192:416 193:417 194:418 196:419 198:420 "
    "201:421 202:422 203:423 204:424 205:425 206:426 207:427 208:428 209:429 210:430 211:431 "
    "212:432 213:433 214:434 215:435 216:436 217:437 218:438 219:439 220:440 221:441 222:442 "
    "223:443 224:444 225:445 226:446 227:447 228:448 229:449 230:450 231:451 232:452 233:453 "
    "234:454 235:455 236:456 237:457 238:458 239:459 240:460 241:461 242:462 243:463 244:464 "
    "245:465 246:466 247:467 468:473 469:476 470:475 471:474 472:477 "
)


def _mirror() -> np.ndarray:
    table = np.arange(POINTS)
    for pair in _MIRROR_PAIRS.split():
        a, b = map(int, pair.split(":"))
        table[a], table[b] = b, a
    return table


MIRROR = _mirror()
"""(478,) int, the index of each landmark's mirror image; midline landmarks map to themselves."""


def eye_polygon(side: str) -> np.ndarray:
    """Closed contour of the opening of one eye.

    Args:
        side: the patient's side, ``right`` or ``left``.

    Returns:
        (16,) int, landmark indices.
    """
    return np.array(UPPER_LID[side] + LOWER_LID[side][-2:0:-1])


def mouth_polygon() -> np.ndarray:
    """Closed inner contour of the lips: landmark indices (20,) int."""
    return np.array(INNER_UPPER_LIP + INNER_LOWER_LIP[-2:0:-1])
